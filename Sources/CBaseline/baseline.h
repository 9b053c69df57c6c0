#pragma once
#include <string.h>

#include "CBaseline.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Ends the process with one sentence.
__attribute__((noreturn)) void baseline_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline const char *baseline_content_type(const baseline_job *job) {
  return job->json ? "application/json" : "application/octet-stream";
}

/// The id of an output, as Martlet makes it: `<input>/pipe.0.0`. Returns its length.
static inline size_t baseline_output_id(char *id, const char *input, size_t count) {
  static const char suffix[] = "/pipe.0.0";
  if (count > BASELINE_RESULT_BYTES - sizeof suffix) count = BASELINE_RESULT_BYTES - sizeof suffix;
  memcpy(id, input, count);
  memcpy(id + count, suffix, sizeof suffix - 1);
  return count + sizeof suffix - 1;
}

#ifdef __cplusplus
}
#endif
