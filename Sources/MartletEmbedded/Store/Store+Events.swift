import Foundation
import MartletCore

extension Store {
  /// Adds an event at the end of a partition.
  /// - Parameter now: milliseconds since 1970. Times of a partition never go back, whatever the clock does, so that a
  ///   time can be looked up.
  func insert(_ event: OutgoingMessage, into partition: PartitionRow, now: Int64) throws(SQLiteError) {
    let enqueued = max(now, partition.enqueued)
    let lifetime = event.timeToLive.map { Self.milliseconds($0 / .milliseconds(1)) }
    hubStatements.insertEvent.bind(partition.place(of: partition.tail).rawValue, at: 1)
    let bytes = try run(
      hubStatements.insertEvent, with: event, headers: event.headers, enqueued: enqueued,
      expires: lifetime.map { enqueued + $0 })
    partition.tail += 1
    partition.bytes += Int64(bytes)
    partition.enqueued = enqueued
    partition.isDirty = true
    partition.hasNews = true
  }

  /// Adds an event that a group gave up to the dead letters of that name. Its reason travels as headers.
  func insertDeadLetter(_ message: OutgoingMessage, now: Int64) throws(SQLiteError) {
    let reason = message.headers.filter { $0.name.hasPrefix(FieldCoding.deadLetterPrefix) }
    let headers = message.headers.filter { !$0.name.hasPrefix(FieldCoding.deadLetterPrefix) }
    let attempts = message.headers[WireField.deadLetterAttempts]?.text.flatMap { Int64($0) } ?? 0
    statements.insertDead.bind(try queueCreating(named: message.address.name).id, at: 1)
    statements.insertDead.bind(attempts, at: 2)
    FieldCoding.encode(reason).withUnsafeBytes { statements.insertDead.bind($0, at: 11) }
    try run(statements.insertDead, with: message, headers: headers, enqueued: now, expires: nil)
  }

  // MARK: Places (in a snapshot)

  /// The id and the time of an event that is kept; nil where it is not.
  private func event(_ number: Int64, of partition: PartitionRow) throws(SQLiteError) -> (id: String, enqueued: Int64)?
  {
    guard number >= partition.head, number < partition.tail else { return nil }
    hubStatements.readEvent.bind(partition.place(of: number).rawValue, at: 1)
    return try hubStatements.readEvent.first { (id: $0.text(0), enqueued: $0.integer(1)) }
  }

  /// The last place that a group does not want.
  func position(before start: InitialOffset, in partition: PartitionRow) throws(SQLiteError) -> PartitionPosition {
    let next =
      switch start {
      case .fromStart: partition.head
      case .fromEnd: partition.tail
      case .fromEnqueuedTime(let time):
        try firstNumber(enqueuedSince: Self.milliseconds(time.timeIntervalSince1970 * 1000), in: partition)
      }
    return try position(beforeNumber: next, in: partition)
  }

  /// The place before a number, or before the nearest one that can be read.
  func position(beforeNumber number: Int64, in partition: PartitionRow) throws(SQLiteError) -> PartitionPosition {
    let next = min(max(number, partition.head), partition.tail)
    guard next > 0 else { return PartitionPosition() }
    let event = try event(next - 1, of: partition)
    return PartitionPosition(
      checkpoint: EventOffset(low: UInt64(next - 1)), sequenceNumber: next - 1, eventID: event?.id,
      enqueuedAt: event.map { MessageRow.date($0.enqueued) })
  }

  /// By halves: times of a partition never go back.
  private func firstNumber(enqueuedSince time: Int64, in partition: PartitionRow) throws(SQLiteError) -> Int64 {
    var (low, high) = (partition.head, partition.tail)
    while low < high {
      let middle = low + (high - low) / 2
      if try event(middle, of: partition)?.enqueued ?? .min < time { low = middle + 1 } else { high = middle }
    }
    return low
  }

  /// Why a partition cannot be read on from a position; nil where it can.
  func loss(after position: PartitionPosition, in partition: PartitionRow) throws(SQLiteError) -> EventLoss? {
    let last: Int64
    if let checkpoint = position.checkpoint {
      guard checkpoint.high == 0, checkpoint.low < UInt64(partition.tail) else { return .recreated }
      last = Int64(checkpoint.low)
    } else {
      last = -1
    }
    if let event = try event(last, of: partition) {
      // The id alone does not tell: whoever sends the same events again sends the same ids.
      let isSame =
        (position.eventID ?? event.id) == event.id
        && (position.enqueuedAt.map(Self.milliseconds) ?? event.enqueued) == event.enqueued
      return isSame ? nil : .recreated
    }
    return last + 1 < partition.head ? .retentionGap(missing: partition.head - last - 1) : nil
  }

  /// What a partition holds.
  func bounds(of partition: PartitionRow) throws(SQLiteError) -> PartitionBounds {
    let isEmpty = partition.head == partition.tail
    return PartitionBounds(
      partition: partition.number, count: Int(partition.tail - partition.head),
      first: isEmpty ? nil : EventOffset(low: UInt64(partition.head)),
      last: isEmpty ? nil : EventOffset(low: UInt64(partition.tail - 1)),
      firstEnqueuedAt: try event(partition.head, of: partition).map { MessageRow.date($0.enqueued) },
      tail: partition.end)
  }

  /// A time as a row keeps it.
  static func milliseconds(_ time: Date) -> Int64 {
    Int64(max(-4e18, min(4e18, (time.timeIntervalSince1970 * 1000).rounded())))
  }

  // MARK: Reading (in a snapshot)

  /// Events that stand behind each other.
  struct EventChunk {
    var events: [Event] = []
    var bytes = 0
  }

  /// Reads events from a number on.
  /// - Parameter allowance: the first event is read however large it is.
  func read(from number: Int64, of partition: PartitionRow, _ allowance: Allowance, arena: inout ByteArena)
    throws(SQLiteError) -> EventChunk
  {
    let row = hubStatements.readEvents
    row.bind(partition.place(of: number).rawValue, at: 1)
    row.bind(EventPlace.last(of: partition.id).rawValue, at: 2)
    row.bind(Int64(allowance.messages), at: 3)
    defer { row.reset() }
    var chunk = EventChunk()
    chunk.events.reserveCapacity(Int(min(Int64(allowance.messages), partition.tail - number)))
    while try row.step() {
      let size = row.bytes(10).count
      if !chunk.events.isEmpty, chunk.bytes + size > allowance.bytes { break }
      let number = EventPlace.number(in: row.integer(0))
      chunk.events.append(
        Event(
          message: MessageRow.message(row, arena: &arena), offset: EventOffset(low: UInt64(number)),
          sequenceNumber: number))
      chunk.bytes += size
    }
    return chunk
  }

  // MARK: Retention

  /// Removes events that the retention does not ask for, oldest first.
  /// - Returns: how many; `limit` where more may have to go.
  func trim(_ partition: PartitionRow, to retention: HubRetention, now: Int64, limit: Int) throws(SQLiteError) -> Int {
    let oldest = retention.age.map { now - Self.milliseconds($0 / .milliseconds(1)) }
    let sizes = hubStatements.eventSizes
    sizes.bind(partition.place(of: partition.head).rawValue, at: 1)
    sizes.bind(EventPlace.last(of: partition.id).rawValue, at: 2)
    sizes.bind(Int64(limit), at: 3)
    var (head, bytes) = (partition.head, partition.bytes)
    do {
      defer { sizes.reset() }
      while try sizes.step() {
        let isTooMuch =
          // The newest stays, however large it is.
          sizes.integer(1) < oldest ?? .min
          || (bytes > retention.bytes.map { Int64($0) } ?? .max && partition.tail - head > 1)
          || partition.tail - head > retention.count.map { Int64($0) } ?? .max
        guard isTooMuch else { break }
        head = EventPlace.number(in: sizes.integer(0)) + 1
        bytes -= sizes.integer(2)
      }
    }
    let count = Int(head - partition.head)
    guard count > 0 else { return 0 }
    hubStatements.deleteEvents.bind(partition.place(of: partition.head).rawValue, at: 1)
    hubStatements.deleteEvents.bind(partition.place(of: head - 1).rawValue, at: 2)
    try hubStatements.deleteEvents.run()
    partition.head = head
    partition.bytes = head == partition.tail ? 0 : bytes
    partition.isDirty = true
    return count
  }
}
