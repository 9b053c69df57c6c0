#pragma once
#include <sqlite3.h>

// SQLITE_TRANSIENT and SQLITE_STATIC are casts, which are not imported.
static inline int martlet_bind_blob_copy(sqlite3_stmt *s, int i, const void *p, int n) {
  return sqlite3_bind_blob(s, i, n == 0 ? "" : p, n, SQLITE_TRANSIENT);
}
static inline int martlet_bind_text_copy(sqlite3_stmt *s, int i, const char *p, int n) {
  return sqlite3_bind_text(s, i, n == 0 ? "" : p, n, SQLITE_TRANSIENT);
}
// The memory must live until the statement was stepped for the last time.
static inline int martlet_bind_blob_lent(sqlite3_stmt *s, int i, const void *p, int n) {
  return sqlite3_bind_blob(s, i, n == 0 ? "" : p, n, SQLITE_STATIC);
}
// Keeps the WAL on the disk when the last connection is closed.
static inline void martlet_keep_wal(sqlite3 *db) {
  int keep = 1;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_PERSIST_WAL, &keep);
}
// An int behind a pointer to void, which Swift would have to cast.
static inline int martlet_has_moved(sqlite3 *db) {
  int moved = 0;
  return sqlite3_file_control(db, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK && moved;
}
