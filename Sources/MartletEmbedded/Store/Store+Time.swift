import MartletCore

extension Store {
  /// When the next delayed message is due, in milliseconds since 1970 (also outside of a transaction).
  func nextDue() throws(SQLiteError) -> Int64? { try statements.nextDue.first { $0.integer(0) } }

  /// Moves delayed messages whose time has come to the end of their queues.
  /// - Returns: how many were moved; `limit` where more may be due.
  func moveDue(now: Int64, limit: Int) throws(SQLiteError) -> Int {
    statements.dueMessages.bind(now, at: 1)
    statements.dueMessages.bind(Int64(limit), at: 2)
    let due = try statements.dueMessages.all { (number: $0.integer(0), queue: $0.integer(1)) }
    for (number, id) in due {
      if let queue = try queue(id), queue.name != nil {
        statements.moveDue.bind(number, at: 1)
        statements.moveDue.bind(try nextPlace(in: queue, lane: .main).rawValue, at: 2)
        try statements.moveDue.run()
      }
      statements.deleteDue.bind(number, at: 1)
      try statements.deleteDue.run()
    }
    return due.count
  }

  /// Whether a message's time to live is over (also outside of a transaction). It may be in work.
  func hasExpired(now: Int64) throws(SQLiteError) -> Bool {
    statements.expiredMessages.bind(now, at: 1)
    statements.expiredMessages.bind(1, at: 2)
    return try statements.expiredMessages.first { _ in true } ?? false
  }

  /// Sets messages aside whose time to live ended before anybody received them. Those that a consumer holds are its own
  /// business.
  func expire(now: Int64, limit: Int) throws(SQLiteError) {
    statements.expiredMessages.bind(now, at: 1)
    statements.expiredMessages.bind(Int64(limit), at: 2)
    let expired = try statements.expiredMessages.all { row in
      (
        place: Place(rawValue: row.integer(0)), attempts: Int(row.integer(1)),
        trace: row.isNull(2) ? nil : FieldCoding.trace(row.bytes(2))
      )
    }
    for (place, attempts, trace) in expired {
      guard let queue = try queue(place.queue), let name = queue.name, queue.isReady(place) else { continue }
      let reason = DeadLetterReason(
        code: .expired, function: nil, errorType: nil, errorText: "its time to live ended before it was received",
        attempts: attempts, source: .queue(name), time: MessageRow.date(now), traceID: trace?.traceIDText)
      _ = try bury(place, attempts: attempts, reason: reason)
      queue.gaps += 1
      queue.isDirty = true
    }
  }
}
