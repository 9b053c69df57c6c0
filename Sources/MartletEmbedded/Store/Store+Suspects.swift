import MartletCore

extension Store {
  /// Hands out one message of a dead consumer, and records that it is run again before it is.
  /// - Parameters:
  ///   - range: a claim of nobody's, as `claims(of: Store.nobody)` gives it.
  /// - Returns: nil where no message is left in the claim, which is then gone.
  func claimSuspect(
    in range: ClosedRange<Place>, for consumer: Int64, generation: UInt32, maxMessageBytes: Int
  ) throws(SQLiteError) -> Claim? {
    let row = statements.readMessages
    row.bind(range.lowerBound.rawValue, at: 1)
    row.bind(range.upperBound.rawValue, at: 2)
    row.bind(1, at: 3)
    // A block of its own: one suspect must not hold the bodies of a batch.
    var arena = ByteArena(blockSize: 1)
    let found = try row.first { row in
      (
        place: Place(rawValue: row.integer(0)), deaths: row.integer(1), attempts: MessageRow.attempts(row),
        message: MessageRow.message(row, arena: &arena)
      )
    }
    try deleteClaim(of: Self.nobody, first: range.lowerBound)
    guard let found else { return nil }
    if found.place < range.upperBound {
      try give(Place(rawValue: found.place.rawValue + 1)...range.upperBound, to: Self.nobody)
    }
    guard let queue = try queue(found.place.queue), queue.name != nil else {
      _ = try complete(found.place, through: found.place)
      return nil
    }
    let size = found.message.body.count
    if size > maxMessageBytes {
      let reason = tooLarge(size, attempts: found.attempts, queue: queue, maxMessageBytes: maxMessageBytes)
      _ = try bury(found.place, attempts: found.attempts, reason: reason)
      return nil
    }
    // The run that ended with the death was not recorded, unless it was a suspect's.
    let attempt = found.attempts + (found.deaths == 0 ? 2 : 1)
    statements.recordSuspect.bind(found.place.rawValue, at: 1)
    statements.recordSuspect.bind(Int64(attempt), at: 2)
    try statements.recordSuspect.run()
    try give(found.place...found.place, to: consumer)
    let delivery = Delivery(
      message: found.message, receipt: Receipt(generation: generation, claim: found.place, place: found.place),
      attempt: attempt, isSuspect: true)
    return Claim(first: found.place, last: found.place, deliveries: [delivery], bytes: size)
  }

  /// The first claim of nobody's in a queue.
  func suspects(of queue: Int64) throws(SQLiteError) -> ClosedRange<Place>? {
    let range = Place.range(of: queue)
    statements.suspects.bind(range.lowerBound.rawValue, at: 1)
    statements.suspects.bind(range.upperBound.rawValue, at: 2)
    return try statements.suspects.first { Place(rawValue: $0.integer(0))...Place(rawValue: $0.integer(1)) }
  }

  /// Makes the claims of a consumer nobody's: their messages become suspects.
  func orphanClaims(of consumer: Int64) throws(SQLiteError) {
    let ranges = try claims(of: consumer)
    try deleteClaims(of: consumer)
    for range in ranges {
      try give(range, to: Self.nobody)
      guard let queue = try queue(range.lowerBound.queue) else { continue }
      queue.isDirty = true
      queue.hasNews = true
    }
  }

  /// Puts what a consumer has not settled back, as if it had never been handed out. A suspect keeps the deaths that it
  /// caused, without the run that it was about to have.
  func releaseClaims(of consumer: Int64) throws(SQLiteError) {
    for range in try claims(of: consumer) {
      statements.readPlaces.bind(range.lowerBound.rawValue, at: 1)
      statements.readPlaces.bind(range.upperBound.rawValue, at: 2)
      let places = try statements.readPlaces.all { row in
        (place: Place(rawValue: row.integer(0)), attempts: Int(row.integer(2) - row.integer(1)))
      }
      for (place, attempts) in places { _ = try release(place, attempts: attempts) }
    }
    try deleteClaims(of: consumer)
  }

  func deleteClaims(of consumer: Int64) throws(SQLiteError) {
    statements.deleteClaims.bind(consumer, at: 1)
    try statements.deleteClaims.run()
  }

  private func give(_ range: ClosedRange<Place>, to consumer: Int64) throws(SQLiteError) {
    statements.insertClaim.bind(consumer, at: 1)
    statements.insertClaim.bind(range.lowerBound.rawValue, at: 2)
    statements.insertClaim.bind(range.upperBound.rawValue, at: 3)
    try statements.insertClaim.run()
  }
}
