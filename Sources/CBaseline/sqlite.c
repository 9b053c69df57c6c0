// SQLite: one transaction, so one fsync, for 100 messages: it deletes them, writes their outputs and claims the next 100
// (a claim is written, since other processes may read the same queue).
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "baseline.h"

enum { BATCH = 100 };

typedef struct {
  sqlite3 *database;
  sqlite3_stmt *begin, *commit, *insert, *claim, *finish;
} store;

static void check(store *store, int status) {
  if (status != SQLITE_OK && status != SQLITE_DONE && status != SQLITE_ROW)
    baseline_fail("SQLite: %s", sqlite3_errmsg(store->database));
}

static sqlite3_stmt *prepare(store *store, const char *format, const char *table) {
  char sql[1024];
  sqlite3_stmt *statement;
  snprintf(sql, sizeof sql, format, table, table);
  check(store, sqlite3_prepare_v3(store->database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL));
  return statement;
}

static void run(store *store, sqlite3_stmt *statement) {
  check(store, sqlite3_step(statement));
  check(store, sqlite3_reset(statement));
}

static void create(store *store, const char *table) {
  char sql[1024];
  snprintf(sql, sizeof sql,
           "CREATE TABLE IF NOT EXISTS \"%s\" (sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL,"
           " content_type TEXT, body BLOB NOT NULL, owner INTEGER NOT NULL DEFAULT 0, locked_until INTEGER)",
           table);
  check(store, sqlite3_exec(store->database, sql, NULL, NULL, NULL));
}

static store open_store(const baseline_job *job, const char *insertInto) {
  store store = {0};
  check(&store, sqlite3_open(job->space, &store.database));
  check(&store, sqlite3_exec(store.database, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL", NULL, NULL, NULL));
  create(&store, job->input);
  store.begin = prepare(&store, "BEGIN IMMEDIATE", "");
  store.commit = prepare(&store, "COMMIT", "");
  if (insertInto != NULL) {
    create(&store, insertInto);
    store.insert = prepare(&store, "INSERT INTO \"%s\" (id, content_type, body) VALUES (?, ?, ?)", insertInto);
  }
  store.claim = prepare(&store,
                        "UPDATE \"%s\" SET owner = ?1, locked_until = ?2 WHERE sequence IN"
                        " (SELECT sequence FROM \"%s\" WHERE owner = 0 ORDER BY sequence LIMIT ?3)"
                        " RETURNING sequence, id, content_type, body",
                        job->input);
  store.finish = prepare(&store, "DELETE FROM \"%s\" WHERE sequence = ?1 AND owner = ?2", job->input);
  return store;
}

static void close_store(store *store) {
  sqlite3_finalize(store->begin);
  sqlite3_finalize(store->commit);
  sqlite3_finalize(store->insert);
  sqlite3_finalize(store->claim);
  sqlite3_finalize(store->finish);
  sqlite3_close(store->database);
}

static void insert(store *store, const baseline_job *job, const char *id, size_t idBytes, const char *body,
                   size_t count) {
  sqlite3_bind_text(store->insert, 1, id, (int)idBytes, SQLITE_STATIC);
  sqlite3_bind_text(store->insert, 2, baseline_content_type(job), -1, SQLITE_STATIC);
  sqlite3_bind_blob(store->insert, 3, body, (int)count, SQLITE_STATIC);
  run(store, store->insert);
}

baseline_cost baseline_sqlite_publish(const baseline_job *job) {
  store store = open_store(job, job->input);
  char *body = malloc(job->bodyBytes + BASELINE_PADDING), id[32];
  baseline_meter meter = baseline_meter_start(0);
  for (long written = 0; written < job->messages;) {
    run(&store, store.begin);
    for (long end = written + BATCH; written < job->messages && written < end; written++) {
      baseline_write_body(body, job->bodyBytes, job->json, written);
      baseline_write_id(id, written);
      insert(&store, job, id, sizeof id, body, job->bodyBytes);
    }
    run(&store, store.commit);
  }
  baseline_cost cost = baseline_meter_stop(&meter);
  free(body);
  close_store(&store);
  return cost;
}

/// Messages that this process holds.
typedef struct {
  int count;
  struct {
    sqlite3_int64 sequence;
    char id[BASELINE_RESULT_BYTES];
    size_t idBytes, bodyBytes, bodyCapacity;
    char *body;
  } messages[BATCH];
} claimed;

static void claim(store *store, claimed *batch) {
  batch->count = 0;
  sqlite3_bind_int64(store->claim, 1, 1);
  sqlite3_bind_int64(store->claim, 2, 1);
  sqlite3_bind_int(store->claim, 3, BATCH);
  int status;
  while ((status = sqlite3_step(store->claim)) == SQLITE_ROW) {
    __typeof__(batch->messages[0]) *message = &batch->messages[batch->count++];
    message->sequence = sqlite3_column_int64(store->claim, 0);
    message->idBytes = sqlite3_column_bytes(store->claim, 1);
    if (message->idBytes > sizeof message->id) message->idBytes = sizeof message->id;
    memcpy(message->id, sqlite3_column_text(store->claim, 1), message->idBytes);
    message->bodyBytes = sqlite3_column_bytes(store->claim, 3);
    if (message->bodyBytes + BASELINE_PADDING > message->bodyCapacity) {
      message->bodyCapacity = message->bodyBytes + BASELINE_PADDING;
      message->body = realloc(message->body, message->bodyCapacity);
      if (message->body == NULL) baseline_fail("out of memory");
    }
    memcpy(message->body, sqlite3_column_blob(store->claim, 3), message->bodyBytes);
  }
  check(store, status);
  check(store, sqlite3_reset(store->claim));
}

static void finish(store *store, const baseline_job *job, const claimed *batch) {
  for (int index = 0; index < batch->count; index++) {
    const __typeof__(batch->messages[0]) *message = &batch->messages[index];
    char result[BASELINE_RESULT_BYTES], id[BASELINE_RESULT_BYTES];
    size_t count = baseline_function(message->body, message->bodyBytes, job->json, result);
    sqlite3_bind_int64(store->finish, 1, message->sequence);
    sqlite3_bind_int64(store->finish, 2, 1);
    run(store, store->finish);
    if (sqlite3_changes(store->database) != 1) baseline_fail("another process has taken a message over");
    if (job->output == NULL) continue;
    insert(store, job, id, baseline_output_id(id, message->id, message->idBytes), result, count);
  }
}

baseline_cost baseline_sqlite_pipe(const baseline_job *job) {
  store store = open_store(job, job->output);
  claimed *batch = calloc(1, sizeof *batch);
  run(&store, store.begin);
  claim(&store, batch);
  run(&store, store.commit);
  baseline_meter meter = baseline_meter_start(0);
  for (long done = 0; done < job->messages;) {
    if (batch->count == 0) baseline_fail("\"%s\" ended after %ld of %ld messages", job->input, done, job->messages);
    run(&store, store.begin);
    finish(&store, job, batch);
    done += batch->count;
    claim(&store, batch);
    run(&store, store.commit);
  }
  baseline_cost cost = baseline_meter_stop(&meter);
  for (int index = 0; index < BATCH; index++) free(batch->messages[index].body);
  free(batch);
  close_store(&store);
  return cost;
}
