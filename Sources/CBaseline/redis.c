// Redis: reads of 100; one Lua call commits 100 messages under a fence; the next read travels with the commit and is
// answered while the messages before it are worked on.
#include <stdio.h>
#include <stdlib.h>

#include "redis_link.h"

enum { BATCH = 100, PUBLISH_BATCH = 500 };

static const char group[] = "baseline";

/// KEYS: fence, input, output. ARGV: epoch, number of the commit, group, the id behind the newest input, content type,
/// inputs n, n ids in order, body and id of each output. The inputs are the oldest entries of the stream, so one trim
/// removes them, node by node.
static const char commit_script[] =
    "local fence = redis.call('HMGET', KEYS[1], 'epoch', 'commit')\n"
    "if fence[1] ~= ARGV[1] then return redis.error_reply('FENCED another owner has epoch '..tostring(fence[1])) end\n"
    "if fence[2] == ARGV[2] then return 0 end\n"
    "local n = tonumber(ARGV[6])\n"
    "redis.call('XACK', KEYS[2], ARGV[3], unpack(ARGV, 7, 6 + n))\n"
    "if #redis.call('XPENDING', KEYS[2], ARGV[3], '-', ARGV[6 + n], 1) == 0 then\n"
    "  redis.call('XTRIM', KEYS[2], 'MINID', ARGV[4])\n"
    "else\n"
    "  redis.call('XDEL', KEYS[2], unpack(ARGV, 7, 6 + n))\n"
    "end\n"
    "for i = 7 + n, #ARGV, 2 do\n"
    "  redis.call('XADD', KEYS[3], '*', 'body', ARGV[i], 'content-type', ARGV[5], 'id', ARGV[i + 1])\n"
    "end\n"
    "redis.call('HSET', KEYS[1], 'commit', ARGV[2])\n"
    "return n\n";

baseline_cost baseline_redis_publish(const baseline_job *job) {
  redis_link link = redis_link_open(job);
  char *body = malloc(job->bodyBytes + BASELINE_PADDING), id[32], trace[BASELINE_TRACE_BYTES];
  long written = 0, confirmed = 0;
  baseline_meter meter = baseline_meter_start(job->brokerPID);
  while (confirmed < job->messages) {
    long sent = written;
    for (; written < job->messages && written < sent + PUBLISH_BATCH; written++) {
      baseline_write_body(body, job->bodyBytes, job->json, written);
      baseline_write_id(id, written);
      redis_link_command(&link, job->traced ? 11 : 9);
      redis_link_text(&link, "XADD");
      redis_link_text(&link, job->input);
      redis_link_text(&link, "*");
      redis_link_text(&link, "body");
      redis_link_argument(&link, body, job->bodyBytes);
      redis_link_text(&link, "content-type");
      redis_link_text(&link, baseline_content_type(job));
      redis_link_text(&link, "id");
      redis_link_argument(&link, id, sizeof id);
      if (!job->traced) continue;
      baseline_write_trace(trace, written);
      redis_link_text(&link, "traceparent");
      redis_link_argument(&link, trace, sizeof trace);
    }
    redis_link_flush(&link);
    // The group before this one, while Redis works on this one.
    for (long until = written == sent ? written : sent; confirmed < until; confirmed++)
      freeReplyObject(redis_link_reply(&link));
  }
  baseline_cost cost = baseline_meter_stop(&meter);
  free(body);
  redis_link_close(&link);
  return cost;
}

static void ask(redis_link *link, const baseline_job *job) {
  redis_link_command(link, 9);
  redis_link_text(link, "XREADGROUP");
  redis_link_text(link, "GROUP");
  redis_link_text(link, group);
  redis_link_text(link, "1");
  redis_link_text(link, "COUNT");
  redis_link_number(link, BATCH);
  redis_link_text(link, "STREAMS");
  redis_link_text(link, job->input);
  redis_link_text(link, ">");
}

/// The entries of a read: pairs of id and fields. NULL where the stream was empty.
static redisReply *entries_of(redisReply *reply) {
  return reply->type == REDIS_REPLY_ARRAY ? reply->element[0]->element[1] : NULL;
}

static redisReply *field(redisReply *entry, const char *name) {
  redisReply *fields = entry->element[1];
  for (size_t index = 0; index + 1 < fields->elements; index += 2)
    if (strcmp(fields->element[index]->str, name) == 0) return fields->element[index + 1];
  baseline_fail("an entry has no field \"%s\"", name);
}

/// The smallest id behind that of an entry.
static const char *id_behind(redisReply *entry, char text[64]) {
  unsigned long long milliseconds, sequence;
  if (sscanf(entry->element[0]->str, "%llu-%llu", &milliseconds, &sequence) != 2)
    baseline_fail("\"%s\" is no entry's id", entry->element[0]->str);
  snprintf(text, 64, "%llu-%llu", milliseconds, sequence + 1);
  return text;
}

/// Runs the function on each entry and gathers the commit.
static void commit(redis_link *link, const baseline_job *job, redisReply *entries, const char *sha, const char *fence,
                   long number) {
  static char *body;
  static size_t capacity;
  size_t outputs = job->output == NULL ? 0 : entries->elements;
  char behind[64];
  redis_link_command(link, 3 + 3 + 6 + entries->elements + 2 * outputs);
  redis_link_text(link, "EVALSHA");
  redis_link_text(link, sha);
  redis_link_text(link, "3");
  redis_link_text(link, fence);
  redis_link_text(link, job->input);
  redis_link_text(link, job->output == NULL ? job->input : job->output);
  redis_link_text(link, "1");
  redis_link_number(link, number);
  redis_link_text(link, group);
  redis_link_text(link, id_behind(entries->element[entries->elements - 1], behind));
  redis_link_text(link, baseline_content_type(job));
  redis_link_number(link, entries->elements);
  for (size_t index = 0; index < entries->elements; index++) {
    redisReply *id = entries->element[index]->element[0];
    redis_link_argument(link, id->str, id->len);
  }
  for (size_t index = 0; index < entries->elements; index++) {
    redisReply *input = field(entries->element[index], "body");
    if (input->len + BASELINE_PADDING > capacity) {
      capacity = 2 * input->len + BASELINE_PADDING;
      body = realloc(body, capacity);
    }
    memcpy(body, input->str, input->len);
    char result[BASELINE_RESULT_BYTES], id[BASELINE_RESULT_BYTES];
    size_t count = baseline_function(body, input->len, job->json, result);
    if (outputs == 0) continue;
    redisReply *name = field(entries->element[index], "id");
    redis_link_argument(link, result, count);
    redis_link_argument(link, id, baseline_output_id(id, name->str, name->len));
  }
}

static redisReply *call(redis_link *link, int count, const char **arguments) {
  redis_link_command(link, count);
  for (int index = 0; index < count; index++) redis_link_text(link, arguments[index]);
  redis_link_flush(link);
  return redis_link_reply(link);
}

/// The group that reads, the script, and this process as the owner.
static void prepare(redis_link *link, const baseline_job *job, const char *fence, char sha[41]) {
  const char *create[] = {"XGROUP", "CREATE", job->input, group, "0", "MKSTREAM"};
  freeReplyObject(call(link, 6, create));
  redisReply *loaded = call(link, 3, (const char *[]){"SCRIPT", "LOAD", commit_script});
  snprintf(sha, 41, "%s", loaded->str);
  freeReplyObject(loaded);
  freeReplyObject(call(link, 4, (const char *[]){"HSET", fence, "epoch", "1"}));
}

baseline_cost baseline_redis_pipe(const baseline_job *job) {
  redis_link link = redis_link_open(job);
  char fence[300], sha[41];
  snprintf(fence, sizeof fence, "{%s}:baseline", job->input);
  prepare(&link, job, fence, sha);
  ask(&link, job);
  redis_link_flush(&link);
  redisReply *batch = redis_link_reply(&link);
  baseline_meter meter = baseline_meter_start(job->brokerPID);
  ask(&link, job);
  redis_link_flush(&link);
  long done = 0, number = 0;
  while (done < job->messages) {
    redisReply *entries = entries_of(batch);
    if (entries == NULL) baseline_fail("\"%s\" ended after %ld of %ld messages", job->input, done, job->messages);
    done += entries->elements;
    commit(&link, job, entries, sha, fence, ++number);
    ask(&link, job);
    redis_link_flush(&link);
    freeReplyObject(batch);
    // The commit before this one, and the read that went with it: Redis works on this one meanwhile.
    if (number > 1) freeReplyObject(redis_link_reply(&link));
    batch = redis_link_reply(&link);
  }
  freeReplyObject(redis_link_reply(&link));
  baseline_cost cost = baseline_meter_stop(&meter);
  freeReplyObject(batch);
  freeReplyObject(call(&link, 2, (const char *[]){"DEL", fence}));
  redis_link_close(&link);
  return cost;
}
