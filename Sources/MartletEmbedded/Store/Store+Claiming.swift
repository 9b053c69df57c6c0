import MartletCore

extension Store {
  /// How much a claim may take at once.
  struct Allowance {
    var messages: Int
    /// Bytes of bodies; the first message is handed out however large it is.
    var bytes: Int
  }

  /// Messages that a consumer was handed together. They stand between `first` and `last`, and so does nobody else's.
  struct Claim {
    let first: Place
    let last: Place
    var deliveries: [Delivery]
    var bytes: Int
  }

  /// The consumer of claims whose consumer died: they are handed out as suspects.
  static let nobody: Int64 = 0

  /// Hands messages that nobody has to a consumer: those that came back first, then the oldest.
  /// - Parameters:
  ///   - consumer: the consumer's row.
  ///   - maxMessageBytes: larger messages go to the dead letters instead.
  func claim(
    from queue: QueueRow, for consumer: Int64, generation: UInt32, _ allowance: Allowance, maxMessageBytes: Int,
    arena: inout ByteArena
  ) throws(SQLiteError) -> [Claim] {
    var claims: [Claim] = []
    var left = allowance
    for lane in Place.Lane.allCases where left.messages > 0 && left.bytes > 0 {
      let (head, tail) = (queue.heads[lane.rawValue], queue.tails[lane.rawValue])
      guard head < tail else { continue }
      var batch = Batch()
      let from = Place(queue: queue.id, lane: lane, number: head)
      let through = Place(queue: queue.id, lane: lane, number: tail - 1)
      try read(&batch, from...through, left, generation, maxMessageBytes, &arena)
      let next = batch.next.map { $0.number + 1 } ?? tail
      queue.gaps -= (next - head) - Int64(batch.deliveries.count + batch.tooLarge.count)
      queue.heads[lane.rawValue] = next
      queue.isDirty = true
      for (place, attempts, size) in batch.tooLarge {
        let reason = tooLarge(size, attempts: attempts, queue: queue, maxMessageBytes: maxMessageBytes)
        _ = try bury(place, attempts: attempts, reason: reason)
      }
      guard let first = batch.deliveries.first, let last = batch.deliveries.last else { continue }
      let claim = Claim(
        first: first.place, last: last.place, deliveries: batch.deliveries, bytes: batch.bytes)
      try insert(claim.first, claim.last, for: consumer)
      claims.append(claim)
      left.messages -= batch.deliveries.count
      left.bytes -= batch.bytes
    }
    return claims
  }

  private struct Batch {
    var deliveries: [Delivery] = []
    var bytes = 0
    var tooLarge: [(Place, Int, Int)] = []
    /// The last place that was read, where something was left behind it.
    var next: Place?
  }

  private func read(
    _ batch: inout Batch, _ range: ClosedRange<Place>, _ left: Allowance, _ generation: UInt32, _ maxMessageBytes: Int,
    _ arena: inout ByteArena
  ) throws(SQLiteError) {
    let row = statements.readMessages
    row.bind(range.lowerBound.rawValue, at: 1)
    row.bind(range.upperBound.rawValue, at: 2)
    row.bind(Int64(left.messages), at: 3)
    defer { row.reset() }
    batch.deliveries.reserveCapacity(min(left.messages, 256))
    var first: Place?
    var read = 0
    while try row.step() {
      let place = Place(rawValue: row.integer(0))
      let size = row.bytes(10).count
      if !batch.deliveries.isEmpty, batch.bytes + size > left.bytes { return }
      batch.next = place
      read += 1
      if size > maxMessageBytes {
        batch.tooLarge.append((place, MessageRow.attempts(row), size))
        continue
      }
      let claimed = first ?? place
      first = claimed
      batch.deliveries.append(
        Delivery(
          message: MessageRow.message(row, arena: &arena),
          receipt: Receipt(generation: generation, claim: claimed, place: place),
          attempt: MessageRow.attempts(row) + 1))
      batch.bytes += size
    }
    if read < left.messages { batch.next = nil }
  }

  private func insert(_ first: Place, _ last: Place, for consumer: Int64) throws(SQLiteError) {
    statements.insertClaim.bind(consumer, at: 1)
    statements.insertClaim.bind(first.rawValue, at: 2)
    statements.insertClaim.bind(last.rawValue, at: 3)
    try statements.insertClaim.run()
  }

  /// Removes a claim whose messages are all settled.
  func deleteClaim(of consumer: Int64, first: Place) throws(SQLiteError) {
    statements.deleteClaim.bind(consumer, at: 1)
    statements.deleteClaim.bind(first.rawValue, at: 2)
    try statements.deleteClaim.run()
  }

  /// The claims of a consumer, or of nobody.
  func claims(of consumer: Int64) throws(SQLiteError) -> [ClosedRange<Place>] {
    statements.claims.bind(consumer, at: 1)
    return try statements.claims.all { Place(rawValue: $0.integer(0))...Place(rawValue: $0.integer(1)) }
  }

  func tooLarge(_ size: Int, attempts: Int, queue: QueueRow, maxMessageBytes: Int) -> DeadLetterReason {
    DeadLetterReason(
      code: .tooLarge, function: nil, errorType: nil,
      errorText: "the body has \(size) bytes; at most \(maxMessageBytes) are allowed here", attempts: attempts,
      source: .queue(queue.name ?? ""))
  }
}

extension Receipt {
  init(generation: UInt32, claim: Place, place: Place) {
    self.init(generation: generation, high: UInt64(bitPattern: claim.rawValue), low: UInt64(bitPattern: place.rawValue))
  }

  var claim: Place { Place(rawValue: Int64(bitPattern: high)) }
  var place: Place { Place(rawValue: Int64(bitPattern: low)) }
}

extension Delivery {
  var place: Place { receipt.place }
}
