import MartletCore

extension Store {
  /// Removes the messages of a run of places.
  /// - Returns: how many there were.
  func complete(_ first: Place, through last: Place) throws(SQLiteError) -> Int {
    if first == last {
      statements.deleteMessage.bind(first.rawValue, at: 1)
      try statements.deleteMessage.run()
    } else {
      statements.deleteMessages.bind(first.rawValue, at: 1)
      statements.deleteMessages.bind(last.rawValue, at: 2)
      try statements.deleteMessages.run()
    }
    return database.changes
  }

  /// Puts a message back to be received again, at the end of the queue, or after `due`.
  /// - Parameter attempts: how many are spent.
  /// - Returns: false where the message is gone with its queue.
  func retry(_ place: Place, attempts: Int, due: Int64, now: Int64) throws(SQLiteError) -> Bool {
    if due <= now { return try move(place, to: .main, attempts: attempts) }
    guard let queue = try living(place) else { return try complete(place, through: place) > 0 }
    statements.delayMessage.bind(place.rawValue, at: 1)
    statements.delayMessage.bind(queue.id, at: 2)
    statements.delayMessage.bind(Int64(attempts), at: 3)
    statements.delayMessage.bind(due, at: 4)
    try statements.delayMessage.run()
    return try complete(place, through: place) > 0
  }

  /// Puts a message back as if it had never been handed out, before all others.
  func release(_ place: Place, attempts: Int) throws(SQLiteError) -> Bool {
    try move(place, to: .returned, attempts: attempts)
  }

  /// Sets a message aside.
  func bury(_ place: Place, attempts: Int, reason: DeadLetterReason) throws(SQLiteError) -> Bool {
    guard let queue = try living(place) else { return try complete(place, through: place) > 0 }
    let bury = statements.buryMessage
    bury.bind(place.rawValue, at: 1)
    bury.bind(queue.id, at: 2)
    bury.bind(Int64(attempts), at: 3)
    FieldCoding.encode(reason.headers).withUnsafeBytes { bury.bind($0, at: 4) }
    try bury.run()
    return try complete(place, through: place) > 0
  }

  private func move(_ place: Place, to lane: Place.Lane, attempts: Int) throws(SQLiteError) -> Bool {
    guard let queue = try living(place) else { return try complete(place, through: place) > 0 }
    let target = try nextPlace(in: queue, lane: lane)
    statements.moveMessage.bind(place.rawValue, at: 1)
    statements.moveMessage.bind(target.rawValue, at: 2)
    statements.moveMessage.bind(Int64(attempts), at: 3)
    try statements.moveMessage.run()
    // The message went with its deleted queue: the number stays empty.
    if database.changes == 0 { queue.gaps += 1 }
    return try complete(place, through: place) > 0
  }

  /// The queue of a place, unless it was deleted.
  private func living(_ place: Place) throws(SQLiteError) -> QueueRow? {
    guard let queue = try queue(place.queue), queue.name != nil else { return nil }
    return queue
  }
}
