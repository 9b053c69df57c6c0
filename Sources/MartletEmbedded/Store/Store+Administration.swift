import MartletCore

extension Store {
  /// How many messages a queue holds (also outside of a transaction, where `queues` is empty).
  func counts(of name: String) throws(SQLiteError) -> QueueCounts {
    guard let queue = try readQueue(named: name) else { return QueueCounts() }
    var counts = QueueCounts(ready: Int(queue.ready))
    statements.allClaims.bind(Place.range(of: queue.id).lowerBound.rawValue, at: 1)
    statements.allClaims.bind(Place.range(of: queue.id).upperBound.rawValue, at: 2)
    let claims = try statements.allClaims.all { row in
      (consumer: row.integer(0), range: Place(rawValue: row.integer(1))...Place(rawValue: row.integer(2)))
    }
    for (consumer, range) in claims {
      let held = try count(range)
      if consumer == Self.nobody { counts.ready += held } else { counts.unsettled += held }
    }
    statements.countDelayed.bind(queue.id, at: 1)
    counts.delayed = Int(try statements.countDelayed.first { $0.integer(0) } ?? 0)
    statements.countDead.bind(queue.id, at: 1)
    counts.dead = Int(try statements.countDead.first { $0.integer(0) } ?? 0)
    return counts
  }

  /// The oldest dead letters (also outside of a transaction).
  func deadLetters(of name: String, limit: Int) throws(SQLiteError) -> [DeadLetter] {
    guard let queue = try readQueue(named: name) else { return [] }
    statements.readDead.bind(queue.id, at: 1)
    statements.readDead.bind(Int64(limit), at: 2)
    var arena = ByteArena()
    return try statements.readDead.all { row in
      let message = MessageRow.message(row, arena: &arena)
      let reason = DeadLetterReason(headers: FieldCoding.headers(row.bytes(11)), source: .queue(name))
      return DeadLetter(
        message: message,
        reason: reason
          ?? DeadLetterReason(
            code: .rejected, function: nil, errorType: nil, errorText: "", attempts: MessageRow.attempts(row),
            source: .queue(name)))
    }
  }

  /// A queue as it is on the disk, not kept: outside of a transaction a row may change at any time.
  private func readQueue(named name: String) throws(SQLiteError) -> QueueRow? {
    guard let queue = try queue(named: name) else { return nil }
    if !database.isInTransaction { forget(queue) }
    return queue
  }

  /// Takes the name from a queue: from now on it does not exist. What it held is swept bit by bit, once its last
  /// consumer has left it.
  func delete(queueNamed name: String) throws(SQLiteError) {
    guard let queue = try queue(named: name) else { return }
    statements.unnameQueue.bind(queue.id, at: 1)
    statements.unnameQueue.bind(try noteNews(of: queue.id), at: 2)
    try statements.unnameQueue.run()
    try forgetRemembered(in: name)
    forget(queue)
  }

  /// A queue that was deleted and left, and has not been swept to the end (also outside of a transaction).
  func deletedQueue() throws(SQLiteError) -> Int64? { try statements.deletedQueue.first { $0.integer(0) } }

  /// Removes some of what a deleted queue held, and its row with the last of it.
  func sweep(_ queue: Int64, limit: Int) throws(SQLiteError) {
    let range = Place.range(of: queue)
    var left = limit
    let places = [range.lowerBound.rawValue, range.upperBound.rawValue]
    for (sweep, arguments) in [
      (statements.sweepMessages, places), (statements.sweepClaims, places), (statements.sweepDelayed, [queue]),
      (statements.sweepDead, [queue]),
    ] where left > 0 {
      for (index, argument) in arguments.enumerated() { sweep.bind(argument, at: Int32(index + 1)) }
      if sweep !== statements.sweepClaims { sweep.bind(Int64(left), at: 3) }
      try sweep.run()
      left -= database.changes
    }
    guard left > 0 else { return }
    statements.deleteQueue.bind(queue, at: 1)
    try statements.deleteQueue.run()
  }
}
