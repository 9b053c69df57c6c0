import MartletCore

/// The rows and rules of one store: what a transaction may do to it. No thread, no callback, no clock of its own, so
/// that every rule can be tested alone. The methods of its extensions run inside of a transaction unless they say else.
///
/// Not Sendable: the connection thread owns it.
final class Store {
  let database: Database
  let statements: Statements
  let hubStatements: HubStatements
  /// The queues that the open transaction has touched.
  private(set) var queues: [Int64: QueueRow] = [:]
  /// The hubs and partitions that the open transaction, or snapshot, has touched.
  var hubs: [String: HubRow] = [:]
  var partitions: [Int64: PartitionRow] = [:]
  var partitionIDs: [PartitionKey: Int64] = [:]
  /// What names were found under. Checked against the row on every use, since other processes delete queues.
  private var identifiers: [String: Int64] = [:]
  private var freshNews: News?
  private var isDurable = true

  /// - Parameter database: of this schema, opened by `StoreOpening`.
  init(_ database: Database) throws(SQLiteError) {
    self.database = database
    statements = try Statements(database)
    hubStatements = try HubStatements(database)
  }

  // MARK: Transactions

  /// Begins to write.
  /// - Parameter isDurable: whether `commit` returns only when the disk has it. Without, a power cut may take it back
  ///   (never a part of it, and nothing from before): enough for claims and moves, which would then happen again.
  func begin(isDurable: Bool) throws(SQLiteError) {
    if isDurable != self.isDurable {
      try database.execute("PRAGMA synchronous = \(isDurable ? "FULL" : "NORMAL")")
      self.isDurable = isDurable
    }
    forgetRows()
    freshNews = nil
    try database.execute("BEGIN IMMEDIATE")
  }

  /// Writes the queues that were touched back, and commits.
  /// - Returns: what is new to receive, since other processes must learn it.
  func commit() throws(SQLiteError) -> News? {
    try writeBack()
    try database.execute("COMMIT")
    forgetRows()
    return freshNews
  }

  /// Reads as of one moment, outside of a transaction.
  func snapshot<Value>(_ body: () throws(SQLiteError) -> Value) throws(SQLiteError) -> Value {
    forgetRows()
    defer { forgetRows() }
    try database.execute("BEGIN")
    do {
      let value = try body()
      try database.execute("COMMIT")
      return value
    } catch {
      rollback()
      throw error
    }
  }

  private func forgetRows() {
    queues.removeAll(keepingCapacity: true)
    hubs.removeAll(keepingCapacity: true)
    partitions.removeAll(keepingCapacity: true)
    partitionIDs.removeAll(keepingCapacity: true)
  }

  /// Which partition of which hub.
  struct PartitionKey: Hashable {
    let hub: Int64
    let number: Int
  }

  /// What a transaction made visible.
  struct News {
    /// Grows by one with every transaction that has news.
    var number: Int64
    var queues: [Int64] = []
    var partitions: [Int64] = []
  }

  /// Undoes all since `begin`.
  func rollback() {
    forgetRows()
    // SQLite has rolled back by itself after some errors; after any other it cannot fail.
    if database.isInTransaction { try? database.execute("ROLLBACK") }
  }

  /// Runs `body` so that it happens as a whole or, where it throws, not at all, whatever came before it.
  func savepoint(_ body: () throws(SQLiteError) -> Void) throws(SQLiteError) {
    try writeBack()
    let news = freshNews
    try database.execute("SAVEPOINT entry")
    do {
      try body()
      try writeBack()
    } catch {
      forgetRows()
      freshNews = news
      try database.execute("ROLLBACK TO entry; RELEASE entry")
      throw error
    }
    try database.execute("RELEASE entry")
  }

  private func writeBack() throws(SQLiteError) {
    for queue in queues.values where queue.isDirty {
      let update = queue.hasNews ? statements.updateQueueWithNews : statements.updateQueue
      update.bind(queue.id, at: 1)
      update.bind(queue.heads[0], at: 2)
      update.bind(queue.heads[1], at: 3)
      update.bind(queue.tails[0], at: 4)
      update.bind(queue.tails[1], at: 5)
      update.bind(queue.gaps, at: 6)
      if queue.hasNews { update.bind(try noteNews(of: queue.id), at: 7) }
      try update.run()
      queue.isDirty = false
      queue.hasNews = false
    }
    for partition in partitions.values where partition.isDirty { try write(partition) }
  }

  /// The number under which other processes learn that a queue changed.
  func noteNews(of queue: Int64) throws(SQLiteError) -> Int64 { try noteNews { $0.queues.append(queue) } }

  /// The same for a partition.
  func noteNews(ofPartition partition: Int64) throws(SQLiteError) -> Int64 {
    try noteNews { $0.partitions.append(partition) }
  }

  private func noteNews(_ note: (inout News) -> Void) throws(SQLiteError) -> Int64 {
    var news: News
    if let freshNews {
      news = freshNews
    } else {
      news = News(number: try statements.raiseNews.first { $0.integer(0) } ?? 0)
    }
    note(&news)
    freshNews = news
    return news.number
  }

  // MARK: Queues

  /// The row of a queue; nil where there is none.
  func queue(_ id: Int64) throws(SQLiteError) -> QueueRow? {
    if let queue = queues[id] { return queue }
    statements.queueByID.bind(id, at: 1)
    guard let queue = try statements.queueByID.first(Self.queue) else { return nil }
    queues[id] = queue
    return queue
  }

  /// The row of the queue of that name; nil where there is none.
  func queue(named name: String) throws(SQLiteError) -> QueueRow? {
    if let id = identifiers[name], let queue = try queue(id), queue.name == name { return queue }
    statements.queueByName.bind(name, at: 1)
    guard let found = try statements.queueByName.first(Self.queue) else { return nil }
    identifiers[name] = found.id
    if let queue = queues[found.id] { return queue }
    queues[found.id] = found
    return found
  }

  /// The row of the queue of that name, made if it is missing.
  func queueCreating(named name: String) throws(SQLiteError) -> QueueRow {
    if let queue = try queue(named: name) { return queue }
    statements.insertQueue.bind(name, at: 1)
    try statements.insertQueue.run()
    let queue = QueueRow(id: database.lastInserted, name: name)
    queues[queue.id] = queue
    identifiers[name] = queue.id
    return queue
  }

  /// Forgets a row that this transaction has changed behind its back.
  func forget(_ queue: QueueRow) {
    queues[queue.id] = nil
    if let name = queue.name { identifiers[name] = nil }
  }

  private static func queue(_ row: Statement) -> QueueRow {
    QueueRow(
      id: row.integer(0), name: row.optionalText(1), heads: [row.integer(2), row.integer(3)],
      tails: [row.integer(4), row.integer(5)], gaps: row.integer(6))
  }

  // MARK: News (also outside of a transaction)

  /// Which store this is.
  func uuid() throws(SQLiteError) -> String { try statements.readUUID.first { $0.text(0) } ?? "" }

  /// The number of the last news.
  func news() throws(SQLiteError) -> Int64 { try statements.readNews.first { $0.integer(0) } ?? 0 }

  /// The queues with news after `number`; a deleted one is news too.
  func queues(changedSince number: Int64) throws(SQLiteError) -> [(id: Int64, isDeleted: Bool)] {
    statements.changedQueues.bind(number, at: 1)
    return try statements.changedQueues.all { ($0.integer(0), $0.integer(1) != 0) }
  }
}
