import CSQLite
import MartletCore

/// Opens a store: checks that the file is one, or makes it one.
enum StoreOpening {
  /// Opens the store at a location. Hold its lock.
  /// - Throws: `BrokerError`; not retriable where an operator has to act.
  static func open(_ location: EmbeddedLocation, now: Int64) throws(BrokerError) -> Store {
    do {
      let database = try Database(path: location.file ?? ":memory:", mayCreate: true)
      try refuseForeign(database, at: location)
      try configure(database, isMemory: location.file == nil)
      try migrate(database, now: now)
      return try Store(database)
    } catch let error as SQLiteError {
      switch error.primary {
      case SQLITE_NOTADB:
        throw BrokerError(
          .conflict, "\(location.description) is not a Martlet store; choose another path", isRetriable: false,
          underlying: error)
      default: throw error.brokerError(at: location.description)
      }
    } catch let error as BrokerError {
      throw error
    } catch {
      throw BrokerError(.unavailable, "\(location.description): \(error)", isRetriable: true, underlying: error)
    }
  }

  private static func refuseForeign(_ database: Database, at location: EmbeddedLocation) throws {
    let application = try database.first("PRAGMA application_id") { $0.integer(0) } ?? 0
    let version = try database.first("PRAGMA user_version") { $0.integer(0) } ?? 0
    let tables = try database.first("SELECT count(*) FROM sqlite_schema") { $0.integer(0) } ?? 0
    if application == Schema.applicationID {
      guard version <= Schema.version else {
        throw BrokerError(
          .conflict,
          "\(location.description) was written by a later Martlet (store version \(version), this one knows \(Schema.version)); run that release, or choose another path",
          isRetriable: false)
      }
    } else if application != 0 || tables > 0 {
      throw BrokerError(
        .conflict,
        "\(location.description) is the SQLite database of another application; choose another path", isRetriable: false
      )
    }
  }

  private static func configure(_ database: Database, isMemory: Bool) throws(SQLiteError) {
    try database.execute(
      """
      PRAGMA mmap_size = 0;
      PRAGMA secure_delete = OFF;
      PRAGMA temp_store = MEMORY;
      PRAGMA cache_size = -32768;
      """)
    guard !isMemory else { return }
    try database.execute(
      """
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA journal_size_limit = 67108864;
      """)
  }

  private static func migrate(_ database: Database, now: Int64) throws(SQLiteError) {
    let version = try database.first("PRAGMA user_version") { $0.integer(0) } ?? 0
    guard version < Schema.version else { return }
    try database.execute("BEGIN IMMEDIATE")
    do {
      try database.execute(Schema.steps(from: version))
      if version == 0 {
        try database.execute("INSERT INTO store VALUES ('\(MessageIdentifier.random())', \(now), 0)")
      }
      try database.execute("COMMIT")
    } catch {
      try? database.execute("ROLLBACK")
      throw error
    }
  }
}
