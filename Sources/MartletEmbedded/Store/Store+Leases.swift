import MartletCore

extension Store {
  /// A process that writes to the store: the holder of the lease of all its consumers.
  struct Instance {
    var name: String
    var app: String
    var processID: Int64
    var bootID: String
  }

  /// The number of the last transaction of an instance; nil where its lease is over and was taken. By its name too: a
  /// row that was rolled back leaves its number to another process.
  func lastNumber(of instance: Int64, as name: String) throws(SQLiteError) -> Int64? {
    statements.instance.bind(instance, at: 1)
    statements.instance.bind(name, at: 2)
    return try statements.instance.first { $0.integer(0) }
  }

  /// Begins a lease.
  /// - Parameters:
  ///   - deadline: by the clock of this start of the machine.
  ///   - number: of this transaction.
  func insert(_ instance: Instance, deadline: Int64, number: Int64) throws(SQLiteError) -> Int64 {
    statements.insertInstance.bind(instance.name, at: 1)
    statements.insertInstance.bind(instance.app, at: 2)
    statements.insertInstance.bind(instance.processID, at: 3)
    statements.insertInstance.bind(instance.bootID, at: 4)
    statements.insertInstance.bind(deadline, at: 5)
    statements.insertInstance.bind(number, at: 6)
    try statements.insertInstance.run()
    return database.lastInserted
  }

  /// Goes on with a lease and notes the number of this transaction.
  func renew(_ instance: Int64, deadline: Int64, number: Int64) throws(SQLiteError) {
    statements.renewInstance.bind(instance, at: 1)
    statements.renewInstance.bind(deadline, at: 2)
    statements.renewInstance.bind(number, at: 3)
    try statements.renewInstance.run()
  }

  /// The other instances whose lease is over (also outside of a transaction).
  func expiredInstances(besides instance: Int64, bootID: String, now: Int64) throws(SQLiteError) -> [(
    id: Int64, name: String
  )] {
    statements.expiredInstances.bind(instance, at: 1)
    statements.expiredInstances.bind(bootID, at: 2)
    statements.expiredInstances.bind(now, at: 3)
    return try statements.expiredInstances.all { (id: $0.integer(0), name: $0.text(1)) }
  }

  /// Whether another process may want to be woken.
  func hasOtherInstance(than instance: Int64) throws(SQLiteError) -> Bool {
    statements.anyOtherInstance.bind(instance, at: 1)
    return try statements.anyOtherInstance.first { _ in true } ?? false
  }

  /// Ends the lease of a process that fell silent: what its consumers held becomes suspect, and what it still wants to
  /// commit will be refused.
  func takeOver(_ instance: Int64) throws(SQLiteError) {
    statements.consumers.bind(instance, at: 1)
    for consumer in try statements.consumers.all({ $0.integer(0) }) { try orphanClaims(of: consumer) }
    try delete(instance)
  }

  /// Ends a lease whose consumers hold nothing.
  func delete(_ instance: Int64) throws(SQLiteError) {
    statements.deleteConsumers.bind(instance, at: 1)
    try statements.deleteConsumers.run()
    statements.deleteInstance.bind(instance, at: 1)
    try statements.deleteInstance.run()
  }

  /// A new reader of a queue. Its key is the fence: never used again, gone when the lease is lost.
  func insertConsumer(of instance: Int64, queue: Int64, function: String) throws(SQLiteError) -> Int64 {
    statements.insertConsumer.bind(instance, at: 1)
    statements.insertConsumer.bind(queue, at: 2)
    statements.insertConsumer.bind(function, at: 3)
    try statements.insertConsumer.run()
    return database.lastInserted
  }

  /// Ends a reader of a queue that was deleted.
  func deleteConsumer(_ consumer: Int64) throws(SQLiteError) {
    try deleteClaims(of: consumer)
    statements.deleteConsumer.bind(consumer, at: 1)
    try statements.deleteConsumer.run()
  }

  /// Ends a reader: what it has not settled goes back.
  func endConsumer(_ consumer: Int64) throws(SQLiteError) {
    try releaseClaims(of: consumer)
    try deleteConsumer(consumer)
  }
}
