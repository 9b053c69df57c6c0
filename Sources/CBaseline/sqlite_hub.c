// Event hubs in SQLite: events lie in one table, partition by partition. One transaction, so one fsync, for 100 events of
// each partition: it adds their outputs and moves the positions, under the owner's epoch.
#include <stdlib.h>
#include <time.h>

#include "positions.h"

enum { BATCH = 100, NUMBER_BITS = 43 };

/// Partition and number of an event in one key, so that the events of a partition lie beside each other.
static sqlite3_int64 place(int partition, long number) { return ((sqlite3_int64)partition + 1) << NUMBER_BITS | number; }

typedef struct {
  long number;
  char id[BASELINE_RESULT_BYTES], key[BASELINE_RESULT_BYTES];
  size_t idBytes, keyBytes, bodyBytes, capacity;
  char *body;
} event;

typedef struct {
  const baseline_job *job;
  positions positions;
  sqlite3_stmt *insert, *read, *grow;
  /// Of the hub that is written to: how many events each partition has, and whether that is to be written.
  long tails[BASELINE_PARTITIONS];
  bool hasGrown[BASELINE_PARTITIONS];
  /// Of the hub that is read: the number of the next event.
  long next[BASELINE_PARTITIONS];
  event events[BATCH];
} hub;

/// The two hubs of a job have their partitions behind each other.
static int row(const baseline_job *job, const char *name, int partition) {
  return strcmp(name, job->input) == 0 ? partition : job->partitions + partition;
}

static hub *open_hub(const baseline_job *job) {
  hub *hub = calloc(1, sizeof *hub);
  if (hub == NULL) baseline_fail("out of memory");
  hub->job = job;
  hub->positions = positions_open(job, job->space);
  positions_check(&hub->positions,
                  sqlite3_exec(hub->positions.database,
                               "CREATE TABLE IF NOT EXISTS event(place INTEGER PRIMARY KEY, enqueued INTEGER NOT NULL,"
                               " id TEXT NOT NULL, content_type TEXT, key TEXT, body BLOB NOT NULL);"
                               "CREATE TABLE IF NOT EXISTS tail(row INTEGER PRIMARY KEY, tail INTEGER NOT NULL)",
                               NULL, NULL, NULL));
  hub->insert = positions_prepare(
      &hub->positions,
      "INSERT INTO event(place, enqueued, id, content_type, key, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
  hub->read = positions_prepare(
      &hub->positions,
      "SELECT place, id, content_type, key, body FROM event WHERE place BETWEEN ?1 AND ?2 ORDER BY place LIMIT ?3");
  hub->grow = positions_prepare(&hub->positions, "REPLACE INTO tail(row, tail) VALUES (?1, ?2)");
  return hub;
}

static void close_hub(hub *hub) {
  for (int index = 0; index < BATCH; index++) free(hub->events[index].body);
  sqlite3_finalize(hub->insert);
  sqlite3_finalize(hub->read);
  sqlite3_finalize(hub->grow);
  positions_close(&hub->positions);
  free(hub);
}

static void insert(hub *hub, const char *name, const char *id, size_t idBytes, const char *key, size_t keyBytes,
                   const char *body, size_t count) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  int partition = baseline_partition(key, keyBytes, hub->job->partitions);
  sqlite3_bind_int64(hub->insert, 1, place(row(hub->job, name, partition), hub->tails[partition]++));
  sqlite3_bind_int64(hub->insert, 2, now.tv_sec * 1000 + now.tv_nsec / 1000000);
  sqlite3_bind_text(hub->insert, 3, id, (int)idBytes, SQLITE_STATIC);
  sqlite3_bind_text(hub->insert, 4, baseline_content_type(hub->job), -1, SQLITE_STATIC);
  sqlite3_bind_text(hub->insert, 5, key, (int)keyBytes, SQLITE_STATIC);
  sqlite3_bind_blob(hub->insert, 6, body, (int)count, SQLITE_STATIC);
  positions_run(&hub->positions, hub->insert);
  hub->hasGrown[partition] = true;
}

/// Ends a transaction.
static void commit(hub *hub, const char *name) {
  for (int partition = 0; partition < hub->job->partitions; partition++) {
    if (!hub->hasGrown[partition]) continue;
    hub->hasGrown[partition] = false;
    sqlite3_bind_int(hub->grow, 1, row(hub->job, name, partition));
    sqlite3_bind_int64(hub->grow, 2, hub->tails[partition]);
    positions_run(&hub->positions, hub->grow);
  }
  positions_run(&hub->positions, hub->positions.commit);
}

baseline_cost baseline_sqlite_hub_publish(const baseline_job *job) {
  hub *hub = open_hub(job);
  char *body = malloc(job->bodyBytes + BASELINE_PADDING), id[32], key[BASELINE_KEY_BYTES];
  baseline_meter meter = baseline_meter_start(0);
  for (long written = 0; written < job->messages;) {
    positions_run(&hub->positions, hub->positions.begin);
    for (long end = written + 4 * BATCH; written < job->messages && written < end; written++) {
      baseline_write_body(body, job->bodyBytes, job->json, written);
      baseline_write_id(id, written);
      baseline_write_key(key, written);
      insert(hub, job->input, id, sizeof id, key, sizeof key, body, job->bodyBytes);
    }
    commit(hub, job->input);
  }
  baseline_cost cost = baseline_meter_stop(&meter);
  free(body);
  // The positions are made anew by whoever reads.
  sqlite3_exec(hub->positions.database, "DELETE FROM position", NULL, NULL, NULL);
  close_hub(hub);
  return cost;
}

// MARK: Pipe

static size_t take(char *text, sqlite3_stmt *row, int column) {
  size_t count = (size_t)sqlite3_column_bytes(row, column);
  if (count > BASELINE_RESULT_BYTES) count = BASELINE_RESULT_BYTES;
  memcpy(text, sqlite3_column_text(row, column), count);
  return count;
}

/// Reads the next events of a partition.
static int read_events(hub *hub, int partition) {
  sqlite3_bind_int64(hub->read, 1, place(partition, hub->next[partition]));
  sqlite3_bind_int64(hub->read, 2, place(partition + 1, 0) - 1);
  sqlite3_bind_int(hub->read, 3, BATCH);
  int count = 0, status;
  while ((status = sqlite3_step(hub->read)) == SQLITE_ROW) {
    event *event = &hub->events[count++];
    event->number = (long)(sqlite3_column_int64(hub->read, 0) & (((sqlite3_int64)1 << NUMBER_BITS) - 1));
    event->idBytes = take(event->id, hub->read, 1);
    event->keyBytes = take(event->key, hub->read, 3);
    event->bodyBytes = (size_t)sqlite3_column_bytes(hub->read, 4);
    if (event->bodyBytes + BASELINE_PADDING > event->capacity) {
      event->capacity = event->bodyBytes + BASELINE_PADDING;
      event->body = realloc(event->body, event->capacity);
      if (event->body == NULL) baseline_fail("out of memory");
    }
    memcpy(event->body, sqlite3_column_blob(hub->read, 4), event->bodyBytes);
  }
  positions_check(&hub->positions, status);
  positions_check(&hub->positions, sqlite3_reset(hub->read));
  return count;
}

static void run(hub *hub, int partition, int count) {
  const baseline_job *job = hub->job;
  for (int index = 0; index < count; index++) {
    const event *event = &hub->events[index];
    char result[BASELINE_RESULT_BYTES], id[BASELINE_RESULT_BYTES];
    size_t bytes = baseline_function(event->body, event->bodyBytes, job->json, result);
    if (job->output == NULL) continue;
    insert(hub, job->output, id, baseline_output_id(id, event->id, event->idBytes), event->key, event->keyBytes, result,
           bytes);
  }
  const event *last = &hub->events[count - 1];
  positions_move(&hub->positions, partition, last->number, last->id, last->idBytes);
  hub->next[partition] = last->number + 1;
}

baseline_cost baseline_sqlite_hub_pipe(const baseline_job *job) {
  hub *hub = open_hub(job);
  baseline_meter meter = baseline_meter_start(0);
  for (long done = 0; done < job->messages;) {
    long before = done;
    positions_run(&hub->positions, hub->positions.begin);
    for (int partition = 0; partition < job->partitions; partition++) {
      int count = read_events(hub, partition);
      if (count == 0) continue;
      run(hub, partition, count);
      done += count;
    }
    commit(hub, job->output == NULL ? job->input : job->output);
    if (done == before) baseline_fail("\"%s\" ended after %ld of %ld events", job->input, done, job->messages);
  }
  baseline_cost cost = baseline_meter_stop(&meter);
  close_hub(hub);
  return cost;
}

void baseline_sqlite_hub_read(const baseline_job *job, const char *name, void *context,
                              void (*body)(void *context, int partition, long offset, const char *key, size_t keyBytes,
                                           const char *body, size_t count)) {
  positions positions = {0};
  positions_check(&positions, sqlite3_open(job->space, &positions.database));
  sqlite3_stmt *read = positions_prepare(
      &positions, "SELECT place, key, body FROM event WHERE place BETWEEN ?1 AND ?2 ORDER BY place");
  for (int partition = 0; partition < job->partitions; partition++) {
    int number = row(job, name, partition);
    sqlite3_bind_int64(read, 1, place(number, 0));
    sqlite3_bind_int64(read, 2, place(number + 1, 0) - 1);
    while (sqlite3_step(read) == SQLITE_ROW) {
      body(context, partition, (long)(sqlite3_column_int64(read, 0) & (((sqlite3_int64)1 << NUMBER_BITS) - 1)),
           (const char *)sqlite3_column_text(read, 1), (size_t)sqlite3_column_bytes(read, 1),
           sqlite3_column_blob(read, 2), (size_t)sqlite3_column_bytes(read, 2));
    }
    positions_check(&positions, sqlite3_reset(read));
  }
  sqlite3_finalize(read);
  sqlite3_close(positions.database);
}
