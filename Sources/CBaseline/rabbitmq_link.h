#pragma once
// One connection to RabbitMQ: the library reads frames; what leaves is encoded by the library into one buffer of ours.
#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/framing.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_tcp_socket.h>
#endif

#include "baseline.h"

enum { RABBITMQ_CHANNEL = 1, RABBITMQ_FRAME_MAX = 131072 };

/// The method frame of every publish to one queue or stream: only exchange, queue and flags, so always the same.
typedef struct {
  char frame[600];
  size_t bytes;
} rabbitmq_route;

typedef struct {
  amqp_connection_state_t connection;
  int socket;
  char *out;
  size_t used, capacity;
  /// Where `rabbitmq_link_publish` publishes to.
  rabbitmq_route route;
} rabbitmq_link;

/// Connects and opens the channel in confirm mode.
rabbitmq_link rabbitmq_link_open(const baseline_job *job, const char *publishTo);
void rabbitmq_link_close(rabbitmq_link *link);
/// Opens one more channel, to consume on.
void rabbitmq_link_channel(rabbitmq_link *link, int channel);

/// Gathers a persistent, mandatory publish. `trace` is a `traceparent`, or NULL.
void rabbitmq_link_publish(rabbitmq_link *link, const baseline_job *job, const char *body, size_t count, const char *id,
                           size_t idBytes, const char *trace);
rabbitmq_route rabbitmq_link_route(const char *queue);
/// The same with a key and the time, as events have them.
void rabbitmq_link_publish_event(rabbitmq_link *link, const baseline_job *job, const rabbitmq_route *route,
                                 const char *body, size_t count, const char *id, size_t idBytes, const char *key,
                                 size_t keyBytes, const char *trace);
/// Gathers an acknowledgement of all deliveries of a channel up to `tag`.
void rabbitmq_link_ack(rabbitmq_link *link, int channel, uint64_t tag);
/// Sends what was gathered in one write.
void rabbitmq_link_flush(rabbitmq_link *link);
/// The next frame. Ends the process when the broker closes, returns a message or refuses one.
amqp_frame_t rabbitmq_link_frame(rabbitmq_link *link);

/// Which confirms have come: they may arrive in any order.
typedef struct {
  /// All up to here are confirmed.
  uint64_t prefix;
  /// Of those above it, by number modulo the size.
  bool ahead[65536];
} rabbitmq_confirms;
void rabbitmq_confirms_add(rabbitmq_confirms *confirms, const amqp_basic_ack_t *ack);
