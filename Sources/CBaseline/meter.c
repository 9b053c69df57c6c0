#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "baseline.h"

void baseline_fail(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  fputs("martlet-bench: ", stderr);
  vfprintf(stderr, format, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

static double wall_micros(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static double client_micros(void) {
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 + used.ru_utime.tv_usec + used.ru_stime.tv_usec;
}

static double broker_micros(int pid) {
  char path[64], text[1024];
  if (pid <= 0) return -1;
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  FILE *file = fopen(path, "r");
  if (file == NULL) return -1;
  size_t count = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[count] = 0;
  // The name, in parentheses, may hold anything; utime and stime are the 12th and 13th field behind it.
  char *rest = strrchr(text, ')');
  unsigned long user, system;
  if (rest == NULL || sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
    return -1;
  return (user + system) * 1e6 / sysconf(_SC_CLK_TCK);
}

// Not getrusage: its maximum begins with that of the process that started this one.
static double peak_megabytes(void) {
  char line[256];
  double kilobytes = 0;
  FILE *file = fopen("/proc/self/status", "r");
  if (file == NULL) return 0;
  while (fgets(line, sizeof line, file) != NULL)
    if (sscanf(line, "VmHWM: %lf kB", &kilobytes) == 1) break;
  fclose(file);
  return kilobytes / 1024;
}

baseline_meter baseline_meter_start(int brokerPID) {
  baseline_meter meter = {wall_micros(), client_micros(), broker_micros(brokerPID), brokerPID};
  return meter;
}

baseline_cost baseline_meter_stop(const baseline_meter *meter) {
  double broker = broker_micros(meter->brokerPID);
  baseline_cost cost = {
      .seconds = (wall_micros() - meter->wall) / 1e6,
      .clientMicros = client_micros() - meter->client,
      .brokerMicros = meter->broker < 0 || broker < 0 ? -1 : broker - meter->broker,
      .peakRSSMegabytes = peak_megabytes(),
  };
  return cost;
}
