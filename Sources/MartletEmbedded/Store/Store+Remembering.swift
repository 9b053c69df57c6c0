import MartletCore

/// Ids of messages that came to their end, each until its window is over.
extension Store {
  /// Whether an id is remembered (also outside of a transaction).
  func isRemembered(_ id: String, in scope: String, now: Int64) throws(SQLiteError) -> Bool {
    statements.isRemembered.bind(scope, at: 1)
    statements.isRemembered.bind(id, at: 2)
    statements.isRemembered.bind(now, at: 3)
    return try statements.isRemembered.first { _ in true } ?? false
  }

  /// Remembers an id for a window.
  func remember(_ id: String, in scope: String, for window: Duration, now: Int64) throws(SQLiteError) {
    statements.remember.bind(scope, at: 1)
    statements.remember.bind(id, at: 2)
    statements.remember.bind(now + Int64(min(max(window / .milliseconds(1), 0), 1e15).rounded(.up)), at: 3)
    try statements.remember.run()
  }

  /// Removes ids whose window is over, twice as many as came: so they never grow, and no transaction waits for a flood.
  func forgetRemembered(added: Int, now: Int64) throws(SQLiteError) {
    statements.forget.bind(now, at: 1)
    statements.forget.bind(Int64(2 * added + 100), at: 2)
    try statements.forget.run()
  }

  /// Forgets all of a scope: its queue was deleted.
  func forgetRemembered(in scope: String) throws(SQLiteError) {
    statements.forgetScope.bind(scope, at: 1)
    try statements.forgetScope.run()
  }
}
