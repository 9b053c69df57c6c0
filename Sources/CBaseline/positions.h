#pragma once
// A consumer group's positions in a file of SQLite, which may hold other tables too.
#include <sqlite3.h>

#include "baseline.h"

typedef struct {
  sqlite3 *database;
  sqlite3_stmt *begin, *commit, *move;
  /// Of each partition, the number of its last commit.
  long commits[BASELINE_PARTITIONS];
} positions;

/// Opens the file and makes this process the owner of all partitions.
positions positions_open(const baseline_job *job, const char *file);
void positions_close(positions *positions);

/// Ends the process where SQLite failed.
void positions_check(const positions *positions, int status);
sqlite3_stmt *positions_prepare(const positions *positions, const char *sql);
/// Runs a statement without rows and makes it ready to run again.
void positions_run(const positions *positions, sqlite3_stmt *statement);

/// In a transaction: moves the position of a partition, if this process still owns it and no commit is missing.
void positions_move(positions *positions, int partition, long offset, const char *id, size_t idBytes);
