#include "rabbitmq_link.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void check(amqp_rpc_reply_t reply, const char *what) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) return;
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION)
    baseline_fail("%s: %s", what, amqp_error_string2(reply.library_error));
  if (reply.reply.id == AMQP_CONNECTION_CLOSE_METHOD) {
    amqp_connection_close_t *close = reply.reply.decoded;
    baseline_fail("%s: %.*s", what, (int)close->reply_text.len, (char *)close->reply_text.bytes);
  }
  amqp_channel_close_t *close = reply.reply.decoded;
  baseline_fail("%s: %.*s", what, (int)close->reply_text.len, (char *)close->reply_text.bytes);
}

static char *reserve(rabbitmq_link *link, size_t count) {
  if (link->used + count > link->capacity) {
    link->capacity = 2 * (link->used + count);
    link->out = realloc(link->out, link->capacity);
    if (link->out == NULL) baseline_fail("out of memory");
  }
  return link->out + link->used;
}

static char *write_integer(char *end, uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) *end++ = (char)(value >> shift);
  return end;
}

/// Frame: type, channel, size, payload, 0xCE.
static char *begin_frame(char *frame, int type, int channel) {
  *frame++ = (char)type;
  return write_integer(frame, channel, 2) + 4;
}

static char *end_frame(char *payload, size_t count) {
  write_integer(payload - 4, count, 4);
  payload[count] = (char)AMQP_FRAME_END;
  return payload + count + 1;
}

static char *write_method(char *frame, int channel, amqp_method_number_t id, void *method, size_t room) {
  char *payload = begin_frame(frame, AMQP_FRAME_METHOD, channel);
  write_integer(payload, id, 4);
  int count = amqp_encode_method(id, method, (amqp_bytes_t){room, payload + 4});
  if (count < 0) baseline_fail("%s", amqp_error_string2(count));
  return end_frame(payload, count + 4);
}

rabbitmq_link rabbitmq_link_open(const baseline_job *job, const char *publishTo) {
  rabbitmq_link link = {.connection = amqp_new_connection(), .capacity = 1 << 20};
  link.out = malloc(link.capacity);
  amqp_socket_t *socket = amqp_tcp_socket_new(link.connection);
  if (socket == NULL || link.out == NULL) baseline_fail("out of memory");
  int status = amqp_socket_open(socket, job->host, job->port);
  if (status != AMQP_STATUS_OK)
    baseline_fail("RabbitMQ at %s:%d cannot be reached: %s", job->host, job->port, amqp_error_string2(status));
  check(amqp_login(link.connection, job->space, 0, RABBITMQ_FRAME_MAX, 0, AMQP_SASL_METHOD_PLAIN,
                   job->user == NULL ? "guest" : job->user, job->password == NULL ? "guest" : job->password),
        "RabbitMQ");
  amqp_channel_open(link.connection, RABBITMQ_CHANNEL);
  check(amqp_get_rpc_reply(link.connection), "opening a channel");
  amqp_confirm_select(link.connection, RABBITMQ_CHANNEL);
  check(amqp_get_rpc_reply(link.connection), "confirms");
  link.socket = amqp_get_sockfd(link.connection);
  if (publishTo != NULL) link.route = rabbitmq_link_route(publishTo);
  return link;
}

void rabbitmq_link_channel(rabbitmq_link *link, int channel) {
  amqp_channel_open(link->connection, (amqp_channel_t)channel);
  check(amqp_get_rpc_reply(link->connection), "opening a channel");
}

rabbitmq_route rabbitmq_link_route(const char *queue) {
  rabbitmq_route route;
  amqp_basic_publish_t publish = {.routing_key = amqp_cstring_bytes(queue), .mandatory = 1};
  char *end =
      write_method(route.frame, RABBITMQ_CHANNEL, AMQP_BASIC_PUBLISH_METHOD, &publish, sizeof route.frame - 12);
  route.bytes = end - route.frame;
  return route;
}

void rabbitmq_link_close(rabbitmq_link *link) {
  // A channel that is closed forgets the acknowledgements that its quorum queue has not yet taken: up to the whole run.
  usleep(500 * 1000);
  amqp_connection_close(link->connection, AMQP_REPLY_SUCCESS);
  amqp_destroy_connection(link->connection);
  free(link->out);
}

/// Gathers a publish: method, header and body.
static void publish(rabbitmq_link *link, const rabbitmq_route *route, amqp_basic_properties_t *properties,
                    const char *body, size_t count) {
  size_t most = RABBITMQ_FRAME_MAX - 8, frames = (count + most - 1) / most;
  char *end = reserve(link, route->bytes + 1024 + count + 8 * frames);
  memcpy(end, route->frame, route->bytes);
  end += route->bytes;
  char *payload = begin_frame(end, AMQP_FRAME_HEADER, RABBITMQ_CHANNEL);
  write_integer(write_integer(payload, AMQP_BASIC_CLASS, 2), 0, 2);
  write_integer(payload + 4, count, 8);
  int encoded = amqp_encode_properties(AMQP_BASIC_CLASS, properties, (amqp_bytes_t){900, payload + 12});
  if (encoded < 0) baseline_fail("%s", amqp_error_string2(encoded));
  end = end_frame(payload, encoded + 12);
  for (size_t sent = 0; sent < count;) {
    size_t part = count - sent < most ? count - sent : most;
    payload = begin_frame(end, AMQP_FRAME_BODY, RABBITMQ_CHANNEL);
    memcpy(payload, body + sent, part);
    end = end_frame(payload, part);
    sent += part;
  }
  link->used = end - link->out;
}

static amqp_basic_properties_t properties_of(const baseline_job *job, const char *id, size_t idBytes) {
  return (amqp_basic_properties_t){
      ._flags = AMQP_BASIC_CONTENT_TYPE_FLAG | AMQP_BASIC_DELIVERY_MODE_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG |
                AMQP_BASIC_TIMESTAMP_FLAG,
      .content_type = amqp_cstring_bytes(baseline_content_type(job)),
      .delivery_mode = AMQP_DELIVERY_PERSISTENT,
      .message_id = {idBytes, (void *)id},
      .timestamp = (uint64_t)time(NULL),
  };
}

static amqp_table_entry_t header(const char *name, const char *text, size_t bytes) {
  return (amqp_table_entry_t){.key = amqp_cstring_bytes(name),
                              .value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = {bytes, (void *)text}}};
}

void rabbitmq_link_publish(rabbitmq_link *link, const baseline_job *job, const char *body, size_t count, const char *id,
                           size_t idBytes, const char *trace) {
  amqp_basic_properties_t properties = properties_of(job, id, idBytes);
  amqp_table_entry_t headers[] = {header("traceparent", trace, BASELINE_TRACE_BYTES)};
  if (trace != NULL) {
    properties._flags |= AMQP_BASIC_HEADERS_FLAG;
    properties.headers = (amqp_table_t){1, headers};
  }
  publish(link, &link->route, &properties, body, count);
}

void rabbitmq_link_publish_event(rabbitmq_link *link, const baseline_job *job, const rabbitmq_route *route,
                                 const char *body, size_t count, const char *id, size_t idBytes, const char *key,
                                 size_t keyBytes, const char *trace) {
  amqp_table_entry_t headers[] = {header("martlet-key", key, keyBytes),
                                  header("traceparent", trace, BASELINE_TRACE_BYTES)};
  amqp_basic_properties_t properties = properties_of(job, id, idBytes);
  properties._flags |= AMQP_BASIC_HEADERS_FLAG;
  properties.headers = (amqp_table_t){trace == NULL ? 1 : 2, headers};
  publish(link, route, &properties, body, count);
}

void rabbitmq_link_ack(rabbitmq_link *link, int channel, uint64_t tag) {
  amqp_basic_ack_t ack = {.delivery_tag = tag, .multiple = 1};
  link->used = write_method(reserve(link, 64), channel, AMQP_BASIC_ACK_METHOD, &ack, 32) - link->out;
}

void rabbitmq_link_flush(rabbitmq_link *link) {
  for (size_t sent = 0; sent < link->used;) {
    ssize_t count = send(link->socket, link->out + sent, link->used - sent, MSG_NOSIGNAL);
    if (count >= 0) {
      sent += count;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      struct pollfd writable = {link->socket, POLLOUT, 0};
      poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      baseline_fail("the connection to RabbitMQ broke: %s", strerror(errno));
    }
  }
  link->used = 0;
}

amqp_frame_t rabbitmq_link_frame(rabbitmq_link *link) {
  amqp_frame_t frame;
  int status = amqp_simple_wait_frame(link->connection, &frame);
  if (status != AMQP_STATUS_OK) baseline_fail("the connection to RabbitMQ broke: %s", amqp_error_string2(status));
  if (frame.frame_type == AMQP_FRAME_METHOD) {
    switch (frame.payload.method.id) {
      case AMQP_BASIC_RETURN_METHOD: baseline_fail("RabbitMQ returned a message: is the queue there?");
      case AMQP_BASIC_NACK_METHOD: baseline_fail("RabbitMQ refused a message: is the queue full?");
      case AMQP_BASIC_CANCEL_METHOD: baseline_fail("RabbitMQ cancelled the consumer: is the queue there?");
      case AMQP_CHANNEL_CLOSE_METHOD: {
        amqp_channel_close_t *close = frame.payload.method.decoded;
        baseline_fail("RabbitMQ closed the channel: %.*s", (int)close->reply_text.len, (char *)close->reply_text.bytes);
      }
      case AMQP_CONNECTION_CLOSE_METHOD: baseline_fail("RabbitMQ closed the connection");
      default: break;
    }
  }
  return frame;
}

void rabbitmq_confirms_add(rabbitmq_confirms *confirms, const amqp_basic_ack_t *ack) {
  const uint64_t mask = sizeof confirms->ahead - 1;
  if (!ack->multiple) {
    confirms->ahead[ack->delivery_tag & mask] = true;
  } else {
    for (uint64_t number = confirms->prefix + 1; number <= ack->delivery_tag; number++)
      confirms->ahead[number & mask] = true;
  }
  while (confirms->ahead[(confirms->prefix + 1) & mask]) confirms->ahead[++confirms->prefix & mask] = false;
}
