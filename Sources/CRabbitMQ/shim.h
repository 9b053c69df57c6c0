#pragma once
#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#endif

// The library is used as the codec of methods, properties and tables; the sockets are Martlet's own, so that nothing
// blocks and every wait has a deadline.

// Field values by kind: the library has a union here, which Swift writes member by member.
static inline amqp_field_value_t martlet_field_bytes(uint8_t kind, amqp_bytes_t value) {
  amqp_field_value_t field = {.kind = kind};
  field.value.bytes = value;
  return field;
}
static inline amqp_field_value_t martlet_field_u64(uint8_t kind, uint64_t value) {
  amqp_field_value_t field = {.kind = kind};
  field.value.u64 = value;
  return field;
}
static inline amqp_field_value_t martlet_field_double(double value) {
  amqp_field_value_t field = {.kind = AMQP_FIELD_KIND_F64};
  field.value.f64 = value;
  return field;
}
static inline amqp_field_value_t martlet_field_boolean(int value) {
  amqp_field_value_t field = {.kind = AMQP_FIELD_KIND_BOOLEAN};
  field.value.boolean = value;
  return field;
}
static inline amqp_field_value_t martlet_field_table(amqp_table_t value) {
  amqp_field_value_t field = {.kind = AMQP_FIELD_KIND_TABLE};
  field.value.table = value;
  return field;
}
static inline amqp_field_value_t martlet_field_array(amqp_array_t value) {
  amqp_field_value_t field = {.kind = AMQP_FIELD_KIND_ARRAY};
  field.value.array = value;
  return field;
}
static inline amqp_field_value_t martlet_field_void(void) {
  amqp_field_value_t field = {.kind = AMQP_FIELD_KIND_VOID};
  return field;
}
