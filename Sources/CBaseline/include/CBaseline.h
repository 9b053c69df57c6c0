#pragma once
// The plain-C programs that Martlet is measured against: the same work with the same guarantees, written by hand.
// Each runs in a process of its own and ends it with a sentence on stderr when the broker does not do as asked.
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What to do, and where.
typedef struct {
  /// Where the broker listens. Unused by SQLite.
  const char *host;
  int port;
  /// NULL where there are none.
  const char *user;
  const char *password;
  /// RabbitMQ's virtual host, the file of the SQLite database.
  const char *space;
  const char *input;
  /// NULL: only consume.
  const char *output;
  /// Deliveries that RabbitMQ may have outstanding.
  int prefetch;
  long messages;
  long bodyBytes;
  /// Orders in JSON, decoded and encoded; else bytes as they are.
  bool json;
  /// The broker's process, whose CPU time is counted; 0 where it is not known.
  int brokerPID;
  /// Of hubs alone: how many partitions both have, the consumer group, and the file of its positions where the broker
  /// keeps none.
  int partitions;
  const char *group;
  const char *store;
  /// What is published begins a trace: each message carries a `traceparent`, as those that Martlet sends from outside of
  /// a function.
  bool traced;
} baseline_job;

/// What a run cost, from its first message to its last.
typedef struct {
  double seconds;
  /// CPU time of this process, user and system, all threads.
  double clientMicros;
  /// CPU time of the broker's process; below 0 where it is not known.
  double brokerMicros;
  double peakRSSMegabytes;
} baseline_cost;

/// Publishes `messages` bodies to `input`, confirmed.
baseline_cost baseline_redis_publish(const baseline_job *job);
baseline_cost baseline_rabbitmq_publish(const baseline_job *job);
baseline_cost baseline_sqlite_publish(const baseline_job *job);

/// Consumes `messages` from `input`, runs the function on each, publishes what it returns to `output`, confirmed, and
/// settles the input.
baseline_cost baseline_redis_pipe(const baseline_job *job);
baseline_cost baseline_rabbitmq_pipe(const baseline_job *job);
baseline_cost baseline_sqlite_pipe(const baseline_job *job);

/// The same for event hubs: every event has a key and goes to the partition of its key; order holds in a partition.
baseline_cost baseline_redis_hub_publish(const baseline_job *job);
baseline_cost baseline_rabbitmq_hub_publish(const baseline_job *job);
baseline_cost baseline_sqlite_hub_publish(const baseline_job *job);

/// Reads all partitions of `input` on behalf of a group, runs the function on each event, publishes what it returns to
/// `output` under the event's key, and commits the group's positions under an epoch, once for about 100 events of a
/// partition. Redis and SQLite: outputs and position at once. RabbitMQ: outputs confirmed, then the position, in a file
/// of SQLite.
baseline_cost baseline_redis_hub_pipe(const baseline_job *job);
baseline_cost baseline_rabbitmq_hub_pipe(const baseline_job *job);
baseline_cost baseline_sqlite_hub_pipe(const baseline_job *job);

/// How far the group of the job is in a partition of its input, in the job's file: the offset of the last event with an
/// outcome; -1 where there is none.
long baseline_position(const baseline_job *job, int partition);
/// Calls `body` for each event of a hub in the job's SQLite file, partition by partition in their order.
void baseline_sqlite_hub_read(const baseline_job *job, const char *hub, void *context,
                              void (*body)(void *context, int partition, long offset, const char *key, size_t keyBytes,
                                           const char *body, size_t count));

/// The meter, which Martlet's side uses too.
typedef struct {
  double wall, client, broker;
  int brokerPID;
} baseline_meter;
baseline_meter baseline_meter_start(int brokerPID);
baseline_cost baseline_meter_stop(const baseline_meter *meter);

enum {
  /// Room for a result and for an id.
  BASELINE_RESULT_BYTES = 256,
  /// A body handed to `baseline_function` is followed by this much memory that may be read.
  BASELINE_PADDING = 64,
  /// Events of a hub have so many keys, in turn.
  BASELINE_KEYS = 64,
  BASELINE_TRACE_BYTES = 55,
  /// A key: `key-07`.
  BASELINE_KEY_BYTES = 6,
  /// A hub of the baseline has no more.
  BASELINE_PARTITIONS = 64,
};

/// Writes the body of message `number`: exactly `bodyBytes`. `body` has room for that and the padding.
void baseline_write_body(char *body, long bodyBytes, bool json, long number);
/// The shortest order.
long baseline_min_json_bytes(void);
/// Writes the id of message `number`: 32 hexadecimal digits.
void baseline_write_id(char *id, long number);
/// Writes the `traceparent` of message `number`: 55 characters.
void baseline_write_trace(char *trace, long number);
/// Writes the key of event `number`.
void baseline_write_key(char *key, long number);
/// The partition of a key: CRC-32 (that of zlib) modulo the count.
int baseline_partition(const char *key, size_t count, int partitions);
/// The function: decodes the body, computes, encodes the result into `result` and returns its length.
size_t baseline_function(const char *body, size_t count, bool json, char *result);

#ifdef __cplusplus
}
#endif
