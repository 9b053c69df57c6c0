// RabbitMQ: frames, not envelopes; one write for all that one read brought; an input is acknowledged, many at a time,
// behind the confirm of its output.
#include <stdlib.h>

#include "rabbitmq_link.h"

enum { WINDOW = 1000, PUBLISH_BATCH = 100, ACK_BATCH = 100 };

baseline_cost baseline_rabbitmq_publish(const baseline_job *job) {
  rabbitmq_link link = rabbitmq_link_open(job, job->input);
  rabbitmq_confirms *confirms = calloc(1, sizeof *confirms);
  char *body = malloc(job->bodyBytes + BASELINE_PADDING), id[32], trace[BASELINE_TRACE_BYTES];
  uint64_t written = 0, messages = job->messages;
  baseline_meter meter = baseline_meter_start(job->brokerPID);
  while (confirms->prefix < messages) {
    while (written < messages && written + PUBLISH_BATCH <= confirms->prefix + WINDOW) {
      for (uint64_t end = written + PUBLISH_BATCH; written < messages && written < end; written++) {
        baseline_write_body(body, job->bodyBytes, job->json, written);
        baseline_write_id(id, written);
        if (job->traced) baseline_write_trace(trace, written);
        rabbitmq_link_publish(&link, job, body, job->bodyBytes, id, sizeof id, job->traced ? trace : NULL);
      }
      rabbitmq_link_flush(&link);
    }
    amqp_frame_t frame = rabbitmq_link_frame(&link);
    if (frame.frame_type == AMQP_FRAME_METHOD && frame.payload.method.id == AMQP_BASIC_ACK_METHOD)
      rabbitmq_confirms_add(confirms, frame.payload.method.decoded);
    amqp_maybe_release_buffers(link.connection);
  }
  baseline_cost cost = baseline_meter_stop(&meter);
  free(body);
  free(confirms);
  rabbitmq_link_close(&link);
  return cost;
}

/// A message on its way in: its frames come one after another.
typedef struct {
  size_t expected, count, capacity;
  char *body;
  char id[BASELINE_RESULT_BYTES];
  size_t idBytes;
} arrival;

static void take_header(arrival *message, const amqp_frame_t *frame) {
  const amqp_basic_properties_t *properties = frame->payload.properties.decoded;
  message->expected = frame->payload.properties.body_size;
  message->count = 0;
  message->idBytes = 0;
  if (properties->_flags & AMQP_BASIC_MESSAGE_ID_FLAG) {
    message->idBytes = properties->message_id.len;
    memcpy(message->id, properties->message_id.bytes, message->idBytes);
  }
  if (message->expected + BASELINE_PADDING > message->capacity) {
    message->capacity = 2 * message->expected + BASELINE_PADDING;
    message->body = realloc(message->body, message->capacity);
    if (message->body == NULL) baseline_fail("out of memory");
  }
}

static void take_body(arrival *message, amqp_bytes_t fragment) {
  memcpy(message->body + message->count, fragment.bytes, fragment.len);
  message->count += fragment.len;
}

static void run(rabbitmq_link *link, const baseline_job *job, const arrival *message) {
  char result[BASELINE_RESULT_BYTES], id[BASELINE_RESULT_BYTES];
  size_t count = baseline_function(message->body, message->count, job->json, result);
  if (job->output == NULL) return;
  rabbitmq_link_publish(link, job, result, count, id, baseline_output_id(id, message->id, message->idBytes),
                        NULL);
}

baseline_cost baseline_rabbitmq_pipe(const baseline_job *job) {
  rabbitmq_link link = rabbitmq_link_open(job, job->output);
  rabbitmq_confirms *confirms = calloc(1, sizeof *confirms);
  arrival message = {0};
  uint64_t run_count = 0, acknowledged = 0, messages = job->messages;
  baseline_meter meter = {0};
  amqp_basic_qos(link.connection, RABBITMQ_CHANNEL, 0, job->prefetch, 0);
  amqp_basic_consume(link.connection, RABBITMQ_CHANNEL, amqp_cstring_bytes(job->input), amqp_empty_bytes, 0, 0, 0,
                     amqp_empty_table);
  while (acknowledged < messages) {
    amqp_frame_t frame = rabbitmq_link_frame(&link);
    if (frame.frame_type == AMQP_FRAME_HEADER) {
      take_header(&message, &frame);
    } else if (frame.frame_type == AMQP_FRAME_BODY) {
      take_body(&message, frame.payload.body_fragment);
    } else if (frame.payload.method.id == AMQP_BASIC_DELIVER_METHOD) {
      message.expected = SIZE_MAX;
    } else if (frame.payload.method.id == AMQP_BASIC_ACK_METHOD) {
      rabbitmq_confirms_add(confirms, frame.payload.method.decoded);
    }
    if (frame.frame_type != AMQP_FRAME_METHOD && message.count == message.expected) {
      if (run_count++ == 0) meter = baseline_meter_start(job->brokerPID);
      run(&link, job, &message);
    }
    // One consumer, one output each: delivery tags and the numbers of the publishes are the same.
    uint64_t settled = job->output == NULL ? run_count : confirms->prefix;
    bool isLast = !amqp_data_in_buffer(link.connection) && !amqp_frames_enqueued(link.connection);
    if (settled >= acknowledged + ACK_BATCH || (isLast && settled > acknowledged && settled == run_count)) {
      rabbitmq_link_ack(&link, RABBITMQ_CHANNEL, settled);
      acknowledged = settled;
    }
    if (isLast) {
      rabbitmq_link_flush(&link);
      amqp_maybe_release_buffers(link.connection);
    }
  }
  rabbitmq_link_flush(&link);
  baseline_cost cost = baseline_meter_stop(&meter);
  free(message.body);
  free(confirms);
  rabbitmq_link_close(&link);
  return cost;
}
