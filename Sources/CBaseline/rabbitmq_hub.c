// Event hubs on RabbitMQ: a stream for each partition, read on a channel of its own, since RabbitMQ works on channels side
// by side; what leaves has one channel, so that its confirms count in one row. Frames, not envelopes; one write for all
// that one read brought. An event is acknowledged, which asks for more of its stream, and its position moved behind the
// confirm of its output; the positions of all partitions leave in one transaction of SQLite, on a thread of its own, so
// that nothing waits for the disk.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "positions.h"
#include "rabbitmq_link.h"

enum { WINDOW = 1000, PUBLISH_BATCH = 100, ACK_BATCH = 100, COMMIT_BATCH = 100, IN_FLIGHT = 65536 };

static void open_routes(const baseline_job *job, const char *hub, rabbitmq_route *routes) {
  for (int partition = 0; partition < job->partitions; partition++) {
    char stream[300];
    snprintf(stream, sizeof stream, "%s:%d", hub, partition);
    routes[partition] = rabbitmq_link_route(stream);
  }
}

baseline_cost baseline_rabbitmq_hub_publish(const baseline_job *job) {
  static rabbitmq_route routes[BASELINE_PARTITIONS];
  rabbitmq_link link = rabbitmq_link_open(job, NULL);
  open_routes(job, job->input, routes);
  rabbitmq_confirms *confirms = calloc(1, sizeof *confirms);
  char *body = malloc(job->bodyBytes + BASELINE_PADDING), id[32], key[BASELINE_KEY_BYTES];
  char trace[BASELINE_TRACE_BYTES];
  uint64_t written = 0, messages = (uint64_t)job->messages;
  baseline_meter meter = baseline_meter_start(job->brokerPID);
  while (confirms->prefix < messages) {
    while (written < messages && written + PUBLISH_BATCH <= confirms->prefix + WINDOW) {
      for (uint64_t end = written + PUBLISH_BATCH; written < messages && written < end; written++) {
        baseline_write_body(body, job->bodyBytes, job->json, (long)written);
        baseline_write_id(id, (long)written);
        baseline_write_key(key, (long)written);
        if (job->traced) baseline_write_trace(trace, (long)written);
        rabbitmq_link_publish_event(&link, job, &routes[baseline_partition(key, sizeof key, job->partitions)], body,
                                    job->bodyBytes, id, sizeof id, key, sizeof key, job->traced ? trace : NULL);
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

// MARK: Pipe

/// An event on its way in: its frames come one after another, those of other partitions between them.
typedef struct {
  uint64_t tag;
  long offset;
  size_t expected, count, capacity, idBytes, keyBytes;
  char *body;
  char id[BASELINE_RESULT_BYTES], key[BASELINE_RESULT_BYTES];
} arrival;

typedef struct {
  rabbitmq_link link;
  const baseline_job *job;
  rabbitmq_route routes[BASELINE_PARTITIONS];
  rabbitmq_confirms confirms;
  positions positions;
  arrival events[BASELINE_PARTITIONS];
  /// Where the output of each number that is not settled belongs to.
  struct {
    int partition;
    long offset;
    uint64_t tag;
  } inFlight[IN_FLIGHT];
  /// Of each partition, the tag of the last event with an outcome, and of the last that was acknowledged.
  uint64_t done[BASELINE_PARTITIONS], acknowledged[BASELINE_PARTITIONS];
  /// Of each partition, the last event with an outcome, and the last that was handed to the writer.
  long settled[BASELINE_PARTITIONS], handed[BASELINE_PARTITIONS];
  pthread_t writer;
  pthread_mutex_t lock;
  pthread_cond_t changed;
  /// What the writer is to write, and whether it is to end behind it. Under the lock.
  long wanted[BASELINE_PARTITIONS];
  bool hasWork, isEnding;
} hub;

static int channel_of(int partition) { return RABBITMQ_CHANNEL + 1 + partition; }

static void subscribe(hub *hub) {
  const baseline_job *job = hub->job;
  for (int partition = 0; partition < job->partitions; partition++) {
    char stream[300];
    snprintf(stream, sizeof stream, "%s:%d", job->input, partition);
    rabbitmq_link_channel(&hub->link, channel_of(partition));
    amqp_basic_qos(hub->link.connection, channel_of(partition), 0, (uint16_t)job->prefetch, 0);
    amqp_table_entry_t start = {.key = amqp_cstring_bytes("x-stream-offset"),
                                .value = {.kind = AMQP_FIELD_KIND_UTF8, .value.bytes = amqp_cstring_bytes("first")}};
    amqp_basic_consume(hub->link.connection, channel_of(partition), amqp_cstring_bytes(stream), amqp_empty_bytes, 0, 0,
                       0, (amqp_table_t){1, &start});
    hub->settled[partition] = hub->handed[partition] = hub->wanted[partition] = -1;
  }
}

static size_t copy(char *text, amqp_bytes_t bytes) {
  size_t count = bytes.len < BASELINE_RESULT_BYTES ? bytes.len : BASELINE_RESULT_BYTES;
  memcpy(text, bytes.bytes, count);
  return count;
}

static bool is_named(const amqp_table_entry_t *header, const char *name) {
  size_t count = strlen(name);
  return header->key.len == count && memcmp(header->key.bytes, name, count) == 0;
}

static void take_header(arrival *event, const amqp_frame_t *frame) {
  const amqp_basic_properties_t *properties = frame->payload.properties.decoded;
  event->expected = frame->payload.properties.body_size;
  event->count = event->keyBytes = 0;
  event->idBytes = properties->_flags & AMQP_BASIC_MESSAGE_ID_FLAG ? copy(event->id, properties->message_id) : 0;
  event->offset = -1;
  if (properties->_flags & AMQP_BASIC_HEADERS_FLAG) {
    for (int index = 0; index < properties->headers.num_entries; index++) {
      const amqp_table_entry_t *header = &properties->headers.entries[index];
      if (is_named(header, "x-stream-offset")) event->offset = (long)header->value.value.i64;
      else if (is_named(header, "martlet-key")) event->keyBytes = copy(event->key, header->value.value.bytes);
    }
  }
  if (event->offset < 0 || event->keyBytes == 0) baseline_fail("an event has no offset or no key");
  if (event->expected + BASELINE_PADDING > event->capacity) {
    event->capacity = 2 * event->expected + BASELINE_PADDING;
    event->body = realloc(event->body, event->capacity);
    if (event->body == NULL) baseline_fail("out of memory");
  }
}

static void run(hub *hub, int partition, uint64_t number) {
  const arrival *event = &hub->events[partition];
  char result[BASELINE_RESULT_BYTES], id[BASELINE_RESULT_BYTES];
  size_t count = baseline_function(event->body, event->count, hub->job->json, result);
  hub->inFlight[number % IN_FLIGHT].partition = partition;
  hub->inFlight[number % IN_FLIGHT].offset = event->offset;
  hub->inFlight[number % IN_FLIGHT].tag = event->tag;
  if (hub->job->output == NULL) return;
  rabbitmq_link_publish_event(&hub->link, hub->job,
                              &hub->routes[baseline_partition(event->key, event->keyBytes, hub->job->partitions)],
                              result, count, id, baseline_output_id(id, event->id, event->idBytes), event->key,
                              event->keyBytes, NULL);
}

/// Writes how far the group is: whatever partitions went on while it wrote before, in one transaction.
static void *write_positions(void *context) {
  hub *hub = context;
  long written[BASELINE_PARTITIONS], wanted[BASELINE_PARTITIONS];
  memset(written, -1, sizeof written);
  for (bool isEnding = false; !isEnding;) {
    pthread_mutex_lock(&hub->lock);
    while (!hub->hasWork && !hub->isEnding) pthread_cond_wait(&hub->changed, &hub->lock);
    memcpy(wanted, hub->wanted, sizeof wanted);
    isEnding = hub->isEnding;
    hub->hasWork = false;
    pthread_mutex_unlock(&hub->lock);
    positions_run(&hub->positions, hub->positions.begin);
    for (int partition = 0; partition < hub->job->partitions; partition++) {
      if (wanted[partition] == written[partition]) continue;
      written[partition] = wanted[partition];
      positions_move(&hub->positions, partition, wanted[partition], NULL, 0);
    }
    positions_run(&hub->positions, hub->positions.commit);
  }
  return NULL;
}

/// Hands the positions to the writer, once a partition has gone on by a batch.
static void commit(hub *hub, bool isEnd) {
  bool isDue = isEnd;
  for (int partition = 0; partition < hub->job->partitions; partition++)
    isDue |= hub->settled[partition] >= hub->handed[partition] + COMMIT_BATCH;
  if (!isDue) return;
  memcpy(hub->handed, hub->settled, sizeof hub->handed);
  pthread_mutex_lock(&hub->lock);
  memcpy(hub->wanted, hub->settled, sizeof hub->wanted);
  hub->hasWork = true;
  hub->isEnding = isEnd;
  pthread_cond_signal(&hub->changed);
  pthread_mutex_unlock(&hub->lock);
  if (isEnd) pthread_join(hub->writer, NULL);
}

/// Takes a frame; the partition of the event that it ends, or -1.
static int take(hub *hub, const amqp_frame_t *frame) {
  int partition = frame->channel - channel_of(0);
  if (partition < 0) {
    if (frame->frame_type == AMQP_FRAME_METHOD && frame->payload.method.id == AMQP_BASIC_ACK_METHOD)
      rabbitmq_confirms_add(&hub->confirms, frame->payload.method.decoded);
    return -1;
  }
  if (partition >= hub->job->partitions) baseline_fail("a frame for no consumer of ours");
  arrival *event = &hub->events[partition];
  if (frame->frame_type == AMQP_FRAME_HEADER) {
    take_header(event, frame);
  } else if (frame->frame_type == AMQP_FRAME_BODY) {
    memcpy(event->body + event->count, frame->payload.body_fragment.bytes, frame->payload.body_fragment.len);
    event->count += frame->payload.body_fragment.len;
  } else {
    if (frame->payload.method.id == AMQP_BASIC_DELIVER_METHOD)
      event->tag = ((amqp_basic_deliver_t *)frame->payload.method.decoded)->delivery_tag;
    return -1;
  }
  return event->count == event->expected ? partition : -1;
}

/// Acknowledges a full batch of a partition, and the rest when nothing more is to be waited for.
static void acknowledge(hub *hub, bool isIdle) {
  for (int partition = 0; partition < hub->job->partitions; partition++) {
    uint64_t done = hub->done[partition], before = hub->acknowledged[partition];
    if (done < before + ACK_BATCH && (!isIdle || done == before)) continue;
    rabbitmq_link_ack(&hub->link, channel_of(partition), done);
    hub->acknowledged[partition] = done;
  }
}

baseline_cost baseline_rabbitmq_hub_pipe(const baseline_job *job) {
  hub *hub = calloc(1, sizeof *hub);
  if (hub == NULL) baseline_fail("out of memory");
  hub->job = job;
  hub->link = rabbitmq_link_open(job, NULL);
  if (job->output != NULL) open_routes(job, job->output, hub->routes);
  hub->positions = positions_open(job, job->store);
  subscribe(hub);
  pthread_mutex_init(&hub->lock, NULL);
  pthread_cond_init(&hub->changed, NULL);
  if (pthread_create(&hub->writer, NULL, write_positions, hub) != 0) baseline_fail("no thread can be made");
  uint64_t count = 0, settled = 0, messages = (uint64_t)job->messages;
  baseline_meter meter = {0};
  while (settled < messages) {
    amqp_frame_t frame = rabbitmq_link_frame(&hub->link);
    int partition = take(hub, &frame);
    if (partition >= 0) {
      if (count++ == 0) meter = baseline_meter_start(job->brokerPID);
      run(hub, partition, count);
    }
    // One output each, all on one channel: the numbers of events and publishes are the same.
    for (uint64_t until = job->output == NULL ? count : hub->confirms.prefix; settled < until;) {
      settled++;
      partition = hub->inFlight[settled % IN_FLIGHT].partition;
      hub->settled[partition] = hub->inFlight[settled % IN_FLIGHT].offset;
      hub->done[partition] = hub->inFlight[settled % IN_FLIGHT].tag;
    }
    bool isLast = !amqp_data_in_buffer(hub->link.connection) && !amqp_frames_enqueued(hub->link.connection);
    acknowledge(hub, isLast && settled == count);
    if (isLast) {
      rabbitmq_link_flush(&hub->link);
      amqp_maybe_release_buffers(hub->link.connection);
      commit(hub, false);
    }
  }
  rabbitmq_link_flush(&hub->link);
  commit(hub, true);
  baseline_cost cost = baseline_meter_stop(&meter);
  for (int partition = 0; partition < job->partitions; partition++) free(hub->events[partition].body);
  rabbitmq_link_close(&hub->link);
  positions_close(&hub->positions);
  free(hub);
  return cost;
}
