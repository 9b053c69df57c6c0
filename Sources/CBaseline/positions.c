#include "positions.h"

#include <stdio.h>
#include <stdlib.h>

enum { EPOCH = 1 };

void positions_check(const positions *positions, int status) {
  if (status != SQLITE_OK && status != SQLITE_DONE && status != SQLITE_ROW)
    baseline_fail("SQLite: %s", sqlite3_errmsg(positions->database));
}

sqlite3_stmt *positions_prepare(const positions *positions, const char *sql) {
  sqlite3_stmt *statement;
  positions_check(positions,
                  sqlite3_prepare_v3(positions->database, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL));
  return statement;
}

void positions_run(const positions *positions, sqlite3_stmt *statement) {
  int status = sqlite3_step(statement);
  positions_check(positions, status);
  positions_check(positions, sqlite3_reset(statement));
}

positions positions_open(const baseline_job *job, const char *file) {
  positions positions = {0};
  positions_check(&positions, sqlite3_open(file, &positions.database));
  positions_check(&positions,
                  sqlite3_exec(positions.database,
                               "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                               "CREATE TABLE IF NOT EXISTS position(partition INTEGER PRIMARY KEY, epoch INTEGER NOT NULL,"
                               " number INTEGER NOT NULL, checkpoint INTEGER NOT NULL, event TEXT)",
                               NULL, NULL, NULL));
  positions.begin = positions_prepare(&positions, "BEGIN IMMEDIATE");
  positions.commit = positions_prepare(&positions, "COMMIT");
  positions.move = positions_prepare(
      &positions,
      "UPDATE position SET number = ?3, checkpoint = ?4, event = ?5 WHERE partition = ?1 AND epoch = ?2 AND number = ?3 - 1");
  sqlite3_stmt *claim = positions_prepare(
      &positions, "INSERT INTO position(partition, epoch, number, checkpoint) VALUES (?1, ?2, 0, -1)");
  positions_run(&positions, positions.begin);
  for (int partition = 0; partition < job->partitions; partition++) {
    sqlite3_bind_int(claim, 1, partition);
    sqlite3_bind_int(claim, 2, EPOCH);
    positions_run(&positions, claim);
  }
  positions_run(&positions, positions.commit);
  sqlite3_finalize(claim);
  return positions;
}

void positions_close(positions *positions) {
  sqlite3_finalize(positions->begin);
  sqlite3_finalize(positions->commit);
  sqlite3_finalize(positions->move);
  sqlite3_close(positions->database);
}

void positions_move(positions *positions, int partition, long offset, const char *id, size_t idBytes) {
  sqlite3_bind_int(positions->move, 1, partition);
  sqlite3_bind_int(positions->move, 2, EPOCH);
  sqlite3_bind_int64(positions->move, 3, ++positions->commits[partition]);
  sqlite3_bind_int64(positions->move, 4, offset);
  sqlite3_bind_text(positions->move, 5, id, (int)idBytes, SQLITE_STATIC);
  positions_run(positions, positions->move);
  if (sqlite3_changes(positions->database) != 1) baseline_fail("another process owns partition %d", partition);
}

long baseline_position(const baseline_job *job, int partition) {
  positions positions = {0};
  positions_check(&positions, sqlite3_open(job->store, &positions.database));
  sqlite3_stmt *read = positions_prepare(&positions, "SELECT checkpoint FROM position WHERE partition = ?1");
  sqlite3_bind_int(read, 1, partition);
  int status = sqlite3_step(read);
  positions_check(&positions, status);
  long checkpoint = status == SQLITE_ROW ? (long)sqlite3_column_int64(read, 0) : -1;
  sqlite3_finalize(read);
  sqlite3_close(positions.database);
  return checkpoint;
}
