import CSQLite

/// One SQLite connection and its statements.
///
/// Not Sendable: one thread opens it, uses it and lets go of it.
final class Database {
  private let handle: OpaquePointer
  private var statements: [Statement] = []
  /// Where SQLite tells how many frames the WAL holds. Freed after the connection is closed.
  private let frames = UnsafeMutablePointer<Int32>.allocate(capacity: 1)

  /// - Parameters:
  ///   - path: a file, or `:memory:`.
  ///   - mayCreate: whether a missing file is made.
  init(path: String, mayCreate: Bool) throws(SQLiteError) {
    var handle: OpaquePointer?
    // NOMUTEX: one thread owns the connection, so SQLite need not lock around every call.
    let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (mayCreate ? SQLITE_OPEN_CREATE : 0)
    let status = sqlite3_open_v2(path, &handle, flags, nil)
    guard status == SQLITE_OK, let handle else {
      let error = handle.map { Self.error(status, $0) } ?? SQLiteError(code: status, message: "out of memory")
      sqlite3_close_v2(handle)
      throw error
    }
    sqlite3_extended_result_codes(handle, 1)
    // Only foreign tools can be in the way: our own writers queue at the file lock.
    sqlite3_busy_timeout(handle, 1_000)
    self.handle = handle
    frames.initialize(to: 0)
    sqlite3_wal_hook(
      handle,
      { frames, _, _, count in
        frames?.assumingMemoryBound(to: Int32.self).pointee = count
        return SQLITE_OK
      }, frames)
  }

  /// Statements first, then the connection; the last connection to a file writes its WAL back, so hold the store's lock.
  deinit {
    for statement in statements { statement.finalize() }
    sqlite3_close_v2(handle)
    frames.deallocate()
  }

  /// Prepares a statement for the life of the connection.
  func prepare(_ sql: String) throws(SQLiteError) -> Statement {
    let statement = try Statement(sql, in: handle)
    statements.append(statement)
    return statement
  }

  /// Runs a statement once and reads its first row.
  func first<Value>(_ sql: String, _ read: (Statement) -> Value) throws(SQLiteError) -> Value? {
    let statement = try Statement(sql, in: handle)
    defer { statement.finalize() }
    return try statement.first(read)
  }

  /// Runs statements that return nothing.
  func execute(_ sql: String) throws(SQLiteError) {
    let status = sqlite3_exec(handle, sql, nil, nil, nil)
    guard status == SQLITE_OK else { throw Self.error(status, handle) }
  }

  /// How many rows the last statement inserted, changed or deleted.
  var changes: Int { Int(sqlite3_changes64(handle)) }

  /// The key of the last row inserted.
  var lastInserted: Int64 { sqlite3_last_insert_rowid(handle) }

  /// Whether a transaction is open.
  var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

  /// How many frames the WAL held after the last commit of ours.
  var walFrames: Int { Int(frames.pointee) }

  /// Leaves the WAL alone at the end: for a file that was moved away, since the WAL of that name may be another one's by
  /// now.
  func keepWAL() { martlet_keep_wal(handle) }

  /// Whether the file was renamed or removed under us.
  var hasMoved: Bool { martlet_has_moved(handle) != 0 }

  /// Writes the WAL back as far as readers allow. Hold the store's lock.
  /// - Returns: the frames in the WAL, and how many of them are written back.
  func checkpoint() throws(SQLiteError) -> (frames: Int, done: Int) {
    var (frames, done) = (Int32(0), Int32(0))
    let status = sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_PASSIVE, &frames, &done)
    guard status == SQLITE_OK || status == SQLITE_BUSY else { throw Self.error(status, handle) }
    return (Int(frames), Int(done))
  }

  static func error(_ status: Int32, _ handle: OpaquePointer) -> SQLiteError {
    SQLiteError(code: status, message: String(cString: sqlite3_errmsg(handle)))
  }
}
