import MartletCore

/// One partition that is being read, on the broker's thread: where it is, and what became of the last read.
///
/// A read begins with the event that came last, and must bring it again: so nothing was removed in between and the stream
/// is still the same one, at no cost beyond one event. Where that cannot be (at the start, or the event was trimmed), and
/// once a second for the partition's end, the stream is looked at behind the read.
final class HubCursor {
  enum Phase {
    /// There may be more.
    case behind
    case reading
    /// Nothing was there when it was read last.
    case atEnd
    /// Redis refused; it is tried again.
    case refused(until: ContinuousClock.Instant)
    case ended
  }

  let id: Int
  let partition: HubPartition
  let key: String
  let handler: any EventHandler
  var phase = Phase.behind
  /// Which of the reading connections reads it.
  var connection = 0
  var credit = 0
  /// The event that came last, or the checkpoint.
  private(set) var last: EventOffset?
  private(set) var sequenceNumber: Int64
  private var eventID: String?
  private var mustLook = true
  private(set) var lookedAt = ContinuousClock.now
  private var tail: PartitionTail?
  private var size = ReadSize(bytes: 4 << 20)
  private let decoder: EntryDecoder
  private var problem: String?
  /// The id behind which the server was told to wait for more of the stream; nil while it does not.
  var awaitedBehind: EventOffset?

  /// How often the stream is looked at.
  static let interval = Duration.seconds(1)

  init(id: Int, _ partition: HubPartition, after position: PartitionPosition, handler: any EventHandler) {
    self.id = id
    self.partition = partition
    self.handler = handler
    key = HubKeys(partition.hub).stream(partition.number)
    last = position.checkpoint
    sequenceNumber = position.sequenceNumber
    eventID = position.eventID
    decoder = EntryDecoder(queue: key)
  }

  func wantsRead(_ now: ContinuousClock.Instant) -> Bool {
    guard credit > 0 else { return false }
    switch phase {
    case .behind: return true
    case .atEnd: return now >= lookedAt + Self.interval
    case .refused(let until): return now >= until
    case .reading, .ended: return false
    }
  }

  /// When it wants to read by the clock alone.
  var nextRead: ContinuousClock.Instant? {
    guard credit > 0 else { return nil }
    switch phase {
    case .atEnd: return lookedAt + Self.interval
    case .refused(let until): return until
    case .behind, .reading, .ended: return nil
    }
  }

  /// Whether it waits for an event, in the server.
  var isWaiting: Bool { if case .atEnd = phase { credit > 0 } else { false } }

  /// Whether it waits for an event, and nobody told the server.
  var isWaitingInVain: Bool { isWaiting && !(awaitedBehind.map { $0 <= last ?? .zero } ?? false) }

  func grant(_ count: Int) {
    // What came while there was no credit was not waited for.
    if credit == 0, case .atEnd = phase { phase = .behind }
    credit += count
  }

  /// The connection is gone, perhaps with an answer.
  func connectionLost() {
    if case .reading = phase { phase = .behind }
  }

  // MARK: A read

  /// What was read, and is not handed out before the stream was looked at.
  struct Catch {
    var events: [Event] = []
    var isAll = false
    var isUseless = false
    /// The credit that was taken for these events before they were counted, because the next read is under way.
    var taken: Int?
  }

  /// Writes a read. `look`: whether the stream has to be looked at behind it.
  func write(to buffer: inout RequestBuffer, now: ContinuousClock.Instant) -> (asked: Int, look: Bool) {
    phase = .reading
    let asked = size.count(room: credit)
    let look = mustLook || last == nil || now >= lookedAt + Self.interval
    buffer.begin(arguments: 6)
    buffer.append("XRANGE")
    buffer.append(key)
    switch last {
    case let last? where look: buffer.append("(", last.streamID)
    case let last?: buffer.append(last.streamID)
    case nil: buffer.append("-")
    }
    buffer.append("+")
    buffer.append("COUNT")
    buffer.append(look ? asked : asked + 1)
    return (asked, look)
  }

  /// - Parameter askNext: asks for what follows, where there is more and it can be checked: Redis reads it while these
  ///   are taken in.
  func take(_ reply: Reply, asked: Int, look: Bool, askNext: () -> Void) -> Catch {
    var caught = Catch()
    var position = 1
    // The last event did not come again: nobody knows what this is before the stream was looked at.
    if !look, !isProven(by: reply, &position) {
      mustLook = true
      phase = .behind
      caught.isUseless = true
      return caught
    }
    let count = (reply.root?.number ?? 0) - (look ? 0 : 1)
    caught.isAll = count < asked
    if count > 0 { size.note(largest: reply.longest) }
    let before = sequenceNumber
    // A small read would only be in the way of the next grant.
    if !look, count >= asked, credit - count > asked / 4, let newest = EntryDecoder.lastID(of: reply) {
      credit -= count
      caught.taken = count
      last = newest
      askNext()
    }
    var entry = EntryDecoder.Entry()
    caught.events.reserveCapacity(min(count, asked))
    while position < reply.nodes.count {
      guard decoder.next(reply, &position, &entry) else { continue }
      caught.events.append(
        Event(
          message: entry.takeMessage(), offset: EventOffset(high: entry.high, low: entry.low),
          sequenceNumber: before + Int64(caught.events.count) + 1))
    }
    return caught
  }

  /// Whether the event that came last comes first again.
  private func isProven(by reply: Reply, _ position: inout Int) -> Bool {
    var entry = EntryDecoder.Entry()
    while position < reply.nodes.count {
      guard decoder.next(reply, &position, &entry) else { continue }
      let id = entry.message.id
      guard EventOffset(high: entry.high, low: entry.low) == last, eventID == nil || eventID == id else { return false }
      eventID = id
      return true
    }
    return false
  }

  /// The stream as it was behind the read.
  func note(_ look: StreamLook, isDeclared: Bool) -> EventLoss? {
    lookedAt = .now
    mustLook = look.eventID == nil
    tail = look.tail
    return look.loss(behind: last, sequenceNumber: sequenceNumber, eventID: eventID, isDeclared: isDeclared)
  }

  func lookArguments() -> [String] { [last?.streamID ?? ""] }

  func deliver(_ caught: Catch) {
    if caught.taken == nil { phase = caught.isAll ? .atEnd : .behind }
    report(nil)
    credit -= caught.events.count - (caught.taken ?? 0)
    guard let newest = caught.events.last else { return }
    mustLook = false
    last = newest.offset
    sequenceNumber = newest.sequenceNumber
    eventID = newest.message.id
    if caught.isAll || (tail?.sequenceNumber ?? -1) < sequenceNumber {
      tail = PartitionTail(
        sequenceNumber: sequenceNumber, offset: newest.offset, enqueuedAt: newest.message.enqueuedAt)
    }
    handler.receive(caught.events, tail: tail)
  }

  func refused(_ error: BrokerError) {
    mustLook = true
    phase = .refused(until: .now + (error.isRetriable && error.code != .permission ? .milliseconds(200) : .seconds(1)))
    report(error)
  }

  private func report(_ error: BrokerError?) {
    guard problem != error?.message else { return }
    problem = error?.message
    handler.report(problem: error)
  }
}
