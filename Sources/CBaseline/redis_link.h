#pragma once
// One blocking connection to Redis: commands gathered in a buffer of ours, hiredis' reader for the replies.
#include <hiredis/hiredis.h>

#include "baseline.h"

typedef struct {
  int socket;
  redisReader *reader;
  char *out;
  size_t used, capacity;
} redis_link;

/// Connects, and says who it is where the job has a password.
redis_link redis_link_open(const baseline_job *job);
void redis_link_close(redis_link *link);

/// Begins a command of `count` arguments in the buffer.
void redis_link_command(redis_link *link, size_t count);
/// Adds one argument.
void redis_link_argument(redis_link *link, const void *bytes, size_t count);
void redis_link_number(redis_link *link, long number);
static inline void redis_link_text(redis_link *link, const char *text) { redis_link_argument(link, text, strlen(text)); }

/// Sends what was gathered in one write.
void redis_link_flush(redis_link *link);
/// The next reply; ends the process on an error of Redis. The caller frees it.
redisReply *redis_link_reply(redis_link *link);
