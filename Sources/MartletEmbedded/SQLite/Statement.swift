import CSQLite
import MartletCore

/// A prepared statement, kept for the life of its database.
///
/// Not Sendable: the thread that owns the database owns it.
final class Statement {
  private let handle: OpaquePointer
  private let database: OpaquePointer
  /// The first binding that failed since the last reset; `step` throws it.
  private var bindingFailure = SQLITE_OK

  /// - Parameter database: must outlive the statement; `Database` finalizes its statements before it closes.
  init(_ sql: String, in database: OpaquePointer) throws(SQLiteError) {
    var handle: OpaquePointer?
    let status = sqlite3_prepare_v3(database, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &handle, nil)
    guard status == SQLITE_OK, let handle else { throw Database.error(status, database) }
    self.handle = handle
    self.database = database
  }

  func finalize() { sqlite3_finalize(handle) }

  // MARK: Values in

  func bind(_ value: Int64, at index: Int32) { note(sqlite3_bind_int64(handle, index, value)) }

  func bind(_ value: Int64?, at index: Int32) {
    note(value.map { sqlite3_bind_int64(handle, index, $0) } ?? sqlite3_bind_null(handle, index))
  }

  func bind(_ text: String, at index: Int32) {
    var text = text
    note(
      text.withUTF8 { utf8 in
        utf8.withMemoryRebound(to: CChar.self) {
          martlet_bind_text_copy(handle, index, $0.baseAddress, Int32(clamping: $0.count))
        }
      })
  }

  func bind(_ text: String?, at index: Int32) {
    if let text { bind(text, at: index) } else { note(sqlite3_bind_null(handle, index)) }
  }

  /// A copy of `bytes`; an empty buffer is a blob of no bytes.
  func bind(_ bytes: UnsafeRawBufferPointer, at index: Int32) {
    note(martlet_bind_blob_copy(handle, index, bytes.baseAddress, Int32(clamping: bytes.count)))
  }

  /// Lends memory until `reset`. It must outlive the last `step`.
  func lend(_ bytes: UnsafeRawBufferPointer, at index: Int32) {
    note(martlet_bind_blob_lent(handle, index, bytes.baseAddress, Int32(clamping: bytes.count)))
  }

  func bindNull(at index: Int32) { note(sqlite3_bind_null(handle, index)) }

  private func note(_ status: Int32) {
    if status != SQLITE_OK, bindingFailure == SQLITE_OK { bindingFailure = status }
  }

  // MARK: Running

  /// Goes to the next row; false at the end.
  func step() throws(SQLiteError) -> Bool {
    guard bindingFailure == SQLITE_OK else { throw Database.error(bindingFailure, database) }
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE: return false
    case let status:
      let error = Database.error(status, database)
      reset()
      throw error
    }
  }

  /// Makes it ready to run again. Bound values stay.
  func reset() {
    bindingFailure = SQLITE_OK
    sqlite3_reset(handle)
  }

  /// Runs a statement without rows.
  func run() throws(SQLiteError) {
    defer { reset() }
    while try step() {}
  }

  /// Runs a statement whose first row counts, and reads it; nil without a row.
  func first<Value>(_ read: (Statement) -> Value) throws(SQLiteError) -> Value? {
    defer { reset() }
    return try step() ? read(self) : nil
  }

  /// Reads all rows.
  func all<Value>(_ read: (Statement) -> Value) throws(SQLiteError) -> [Value] {
    defer { reset() }
    var values: [Value] = []
    while try step() { values.append(read(self)) }
    return values
  }

  // MARK: Values out

  func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

  func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

  func optionalInteger(_ column: Int32) -> Int64? { isNull(column) ? nil : integer(column) }

  /// The bytes of a blob or text. Valid until the next `step` or `reset`.
  func bytes(_ column: Int32) -> UnsafeRawBufferPointer {
    let base = sqlite3_column_blob(handle, column)
    return UnsafeRawBufferPointer(start: base, count: Int(sqlite3_column_bytes(handle, column)))
  }

  func text(_ column: Int32) -> String { String(decoding: bytes(column), as: UTF8.self) }

  func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }
}
