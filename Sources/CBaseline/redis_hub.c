// Event hubs on Redis: a stream for each partition. Partitions take turns: a read of 100 events is worked on while the
// next read of its partition, those of the others and the commit before it are under way. One Lua call commits: it
// checks the owner's epoch and the number of the commit, adds the outputs and moves the position.
#include <stdio.h>
#include <stdlib.h>

#include "redis_link.h"

enum { BATCH = 100, PUBLISH_BATCH = 500 };

/// KEYS: record of the partition, streams of the output. ARGV: epoch, number of the commit, checkpoint, its sequence
/// number, id and time, content type; then place of the stream among the keys, id, key and body of each output.
static const char commit_script[] =
    "local call, A = redis.call, ARGV\n"
    "local fence = call('HMGET', KEYS[1], 'epoch', 'commit')\n"
    "if fence[1] ~= A[1] then return redis.error_reply('FENCED another owner has epoch '..tostring(fence[1])) end\n"
    "local number, last = tonumber(A[2]), tonumber(fence[2] or '0')\n"
    "if number <= last then return 0 end\n"
    "if number > last + 1 then return redis.error_reply('GAP the last commit was '..last) end\n"
    "for i = 8, #A, 4 do\n"
    "  call('XADD', KEYS[tonumber(A[i])], '*', 'id', A[i + 1], 'content-type', A[7], 'key', A[i + 2],\n"
    "    'body', A[i + 3])\n"
    "end\n"
    "call('HSET', KEYS[1], 'commit', A[2], 'checkpoint', A[3], 'sequence', A[4], 'event', A[5], 'enqueued', A[6])\n"
    "return number\n";

typedef struct {
  char input[300], output[300], record[400];
  /// The event that came last.
  char last[48];
  long sequence, commits;
  bool isReading;
} partition;

typedef struct {
  redis_link link;
  const baseline_job *job;
  char sha[41];
  partition partitions[BASELINE_PARTITIONS];
  long committed, answered;
  char *body;
  size_t capacity;
} hub;

static hub *open_hub(const baseline_job *job) {
  hub *hub = calloc(1, sizeof *hub);
  if (hub == NULL) baseline_fail("out of memory");
  hub->link = redis_link_open(job);
  hub->job = job;
  for (int number = 0; number < job->partitions; number++) {
    partition *partition = &hub->partitions[number];
    snprintf(partition->input, sizeof partition->input, "%s:%d", job->input, number);
    if (job->output != NULL) snprintf(partition->output, sizeof partition->output, "%s:%d", job->output, number);
    snprintf(partition->record, sizeof partition->record, "{%s:%d}:%s:record", job->input, number, job->group);
    partition->sequence = -1;
  }
  return hub;
}

static void close_hub(hub *hub) {
  redis_link_close(&hub->link);
  free(hub->body);
  free(hub);
}

baseline_cost baseline_redis_hub_publish(const baseline_job *job) {
  hub *hub = open_hub(job);
  redis_link *link = &hub->link;
  char *body = malloc(job->bodyBytes + BASELINE_PADDING), id[32], key[BASELINE_KEY_BYTES];
  char trace[BASELINE_TRACE_BYTES];
  long written = 0, confirmed = 0;
  baseline_meter meter = baseline_meter_start(job->brokerPID);
  while (confirmed < job->messages) {
    long sent = written;
    for (; written < job->messages && written < sent + PUBLISH_BATCH; written++) {
      baseline_write_body(body, job->bodyBytes, job->json, written);
      baseline_write_id(id, written);
      baseline_write_key(key, written);
      redis_link_command(link, job->traced ? 13 : 11);
      redis_link_text(link, "XADD");
      redis_link_text(link, hub->partitions[baseline_partition(key, sizeof key, job->partitions)].input);
      redis_link_text(link, "*");
      redis_link_text(link, "id");
      redis_link_argument(link, id, sizeof id);
      redis_link_text(link, "content-type");
      redis_link_text(link, baseline_content_type(job));
      redis_link_text(link, "key");
      redis_link_argument(link, key, sizeof key);
      redis_link_text(link, "body");
      redis_link_argument(link, body, job->bodyBytes);
      if (!job->traced) continue;
      baseline_write_trace(trace, written);
      redis_link_text(link, "traceparent");
      redis_link_argument(link, trace, sizeof trace);
    }
    redis_link_flush(link);
    // The group before this one, while Redis works on this one.
    for (long until = written == sent ? written : sent; confirmed < until; confirmed++)
      freeReplyObject(redis_link_reply(link));
  }
  baseline_cost cost = baseline_meter_stop(&meter);
  free(body);
  close_hub(hub);
  return cost;
}

// MARK: Pipe

/// Makes this process the owner of all partitions.
static void prepare(hub *hub) {
  redis_link *link = &hub->link;
  redis_link_command(link, 3);
  redis_link_text(link, "SCRIPT");
  redis_link_text(link, "LOAD");
  redis_link_text(link, commit_script);
  redis_link_flush(link);
  redisReply *loaded = redis_link_reply(link);
  snprintf(hub->sha, sizeof hub->sha, "%s", loaded->str);
  freeReplyObject(loaded);
  // Who deletes the hub finds the group's records by this.
  char groups[400];
  snprintf(groups, sizeof groups, "{%s}:groups", hub->job->input);
  redis_link_command(link, 4);
  redis_link_text(link, "ZADD");
  redis_link_text(link, groups);
  redis_link_number(link, hub->job->partitions - 1);
  redis_link_text(link, hub->job->group);
  redis_link_flush(link);
  freeReplyObject(redis_link_reply(link));
  for (int number = 0; number < hub->job->partitions; number++) {
    redis_link_command(link, 6);
    redis_link_text(link, "HSET");
    redis_link_text(link, hub->partitions[number].record);
    redis_link_text(link, "owner");
    redis_link_text(link, "baseline");
    redis_link_text(link, "epoch");
    redis_link_text(link, "1");
    redis_link_flush(link);
    freeReplyObject(redis_link_reply(link));
  }
}

static void ask(hub *hub, partition *partition) {
  char start[64];
  snprintf(start, sizeof start, partition->last[0] == 0 ? "-" : "(%s", partition->last);
  redis_link_command(&hub->link, 6);
  redis_link_text(&hub->link, "XRANGE");
  redis_link_text(&hub->link, partition->input);
  redis_link_text(&hub->link, start);
  redis_link_text(&hub->link, "+");
  redis_link_text(&hub->link, "COUNT");
  redis_link_number(&hub->link, BATCH);
  partition->isReading = true;
}

/// The next answer to a read; those of commits before it are counted.
static redisReply *take_read(hub *hub) {
  for (;;) {
    redisReply *reply = redis_link_reply(&hub->link);
    if (reply->type == REDIS_REPLY_ARRAY) return reply;
    hub->answered++;
    freeReplyObject(reply);
  }
}

typedef struct {
  redisReply *id, *key, *body;
} event;

static event fields(redisReply *entry) {
  event event = {0};
  redisReply *fields = entry->element[1];
  for (size_t index = 0; index + 1 < fields->elements; index += 2) {
    const char *name = fields->element[index]->str;
    redisReply *value = fields->element[index + 1];
    if (strcmp(name, "body") == 0) event.body = value;
    else if (strcmp(name, "id") == 0) event.id = value;
    else if (strcmp(name, "key") == 0) event.key = value;
  }
  if (event.id == NULL || event.key == NULL || event.body == NULL) baseline_fail("an event lacks id, key or body");
  return event;
}

/// simdjson reads somewhat behind the body.
static char *padded(hub *hub, const redisReply *body) {
  if (body->len + BASELINE_PADDING > hub->capacity) {
    hub->capacity = 2 * body->len + BASELINE_PADDING;
    hub->body = realloc(hub->body, hub->capacity);
    if (hub->body == NULL) baseline_fail("out of memory");
  }
  return memcpy(hub->body, body->str, body->len);
}

/// Runs the function on each event and gathers the commit.
static void commit(hub *hub, partition *partition, redisReply *entries) {
  const baseline_job *job = hub->job;
  redis_link *link = &hub->link;
  redisReply *newest = entries->element[entries->elements - 1];
  event last = fields(newest);
  int streams = job->output == NULL ? 0 : job->partitions;
  size_t outputs = job->output == NULL ? 0 : entries->elements;
  partition->sequence += (long)entries->elements;
  redis_link_command(link, 3 + 1 + streams + 7 + 4 * outputs);
  redis_link_text(link, "EVALSHA");
  redis_link_text(link, hub->sha);
  redis_link_number(link, 1 + streams);
  redis_link_text(link, partition->record);
  for (int number = 0; number < streams; number++) redis_link_text(link, hub->partitions[number].output);
  redis_link_text(link, "1");
  redis_link_number(link, ++partition->commits);
  redis_link_argument(link, newest->element[0]->str, newest->element[0]->len);
  redis_link_number(link, partition->sequence);
  redis_link_argument(link, last.id->str, last.id->len);
  redis_link_argument(link, newest->element[0]->str, strcspn(newest->element[0]->str, "-"));
  redis_link_text(link, baseline_content_type(job));
  for (size_t index = 0; index < entries->elements; index++) {
    event event = fields(entries->element[index]);
    char result[BASELINE_RESULT_BYTES], id[BASELINE_RESULT_BYTES];
    size_t count = baseline_function(padded(hub, event.body), event.body->len, job->json, result);
    if (outputs == 0) continue;
    redis_link_number(link, 2 + baseline_partition(event.key->str, event.key->len, job->partitions));
    redis_link_argument(link, id, baseline_output_id(id, event.id->str, event.id->len));
    redis_link_argument(link, event.key->str, event.key->len);
    redis_link_argument(link, result, count);
  }
  hub->committed++;
}

baseline_cost baseline_redis_hub_pipe(const baseline_job *job) {
  hub *hub = open_hub(job);
  prepare(hub);
  for (int number = 0; number < job->partitions; number++) ask(hub, &hub->partitions[number]);
  redis_link_flush(&hub->link);
  baseline_meter meter = {0};
  long done = 0;
  for (int turn = 0, idle = 0; done < job->messages; turn = (turn + 1) % job->partitions) {
    partition *partition = &hub->partitions[turn];
    if (!partition->isReading) {
      if (++idle > job->partitions) baseline_fail("\"%s\" ended after %ld of %ld events", job->input, done, job->messages);
      continue;
    }
    idle = 0;
    redisReply *entries = take_read(hub);
    partition->isReading = false;
    if (entries->elements > 0) {
      if (done == 0) meter = baseline_meter_start(job->brokerPID);
      snprintf(partition->last, sizeof partition->last, "%s", entries->element[entries->elements - 1]->element[0]->str);
      ask(hub, partition);
      // With it goes the commit of the batch before.
      redis_link_flush(&hub->link);
      commit(hub, partition, entries);
      done += (long)entries->elements;
    }
    freeReplyObject(entries);
  }
  redis_link_flush(&hub->link);
  while (hub->answered < hub->committed) {
    redisReply *reply = redis_link_reply(&hub->link);
    if (reply->type != REDIS_REPLY_ARRAY) hub->answered++;
    freeReplyObject(reply);
  }
  baseline_cost cost = baseline_meter_stop(&meter);
  close_hub(hub);
  return cost;
}
