import CRabbitMQ
import Foundation
import MartletCore

/// Looks into streams.
extension TopologyChannel {
  /// An event as it lies in a stream.
  struct StreamEntry: Sendable {
    var offset: UInt64
    var id: String
    var enqueuedAt: Date?
  }

  /// How long an answer may take before a stream counts as empty, and a chunk as read to its end.
  private static let firstPatience = Duration.seconds(1)
  private static let morePatience = Duration.milliseconds(100)

  /// The oldest event of a stream; nil in an empty one.
  func first(of stream: String) throws(BrokerError) -> StreamEntry? {
    try entries(of: stream, from: "first", limit: 1).first
  }

  /// The newest event of a stream; nil in an empty one.
  func last(of stream: String) throws(BrokerError) -> StreamEntry? {
    // Reading begins with the chunk that the last event is in.
    try entries(of: stream, from: "last", limit: 4000, isMoving: true).last
  }

  /// The newest event of a stream, waited for longer; nil where none came, which tells nothing.
  func newest(of stream: String) throws(BrokerError) -> StreamEntry? {
    try entries(of: stream, from: "last", limit: 4000, patience: .milliseconds(500), isMoving: true).last
  }

  /// The first event that was enqueued at a time or later; nil where there is none.
  func first(of stream: String, since time: Date) throws(BrokerError) -> StreamEntry? {
    // Reading begins with a chunk, so earlier ones may come before it.
    try entries(of: stream, from: .timestamp(time), limit: 4000) { entry in
      entry.enqueuedAt.map { $0 >= time } ?? true
    }.last
  }

  /// The first event from an offset on, or the last one before it if no more came in time; nil where none came.
  func first(of stream: String, notBefore offset: UInt64) throws(BrokerError) -> StreamEntry? {
    // An offset may have no event, where segments meet, and a chunk begins before it.
    try entries(of: stream, from: .int(Int64(clamping: offset)), limit: 4000) { $0.offset >= offset }.last
  }

  /// - Parameter isMoving: the end is looked for, which moves where events come all the time; that of a moment ago will
  ///   do.
  private func entries(
    of stream: String, from start: HeaderValue, limit: Int, patience: Duration = morePatience, isMoving: Bool = false,
    until isLast: (StreamEntry) -> Bool = { _ in false }
  ) throws(BrokerError) -> [StreamEntry] {
    _ = try call(
      amqp_basic_qos_t(prefetch_size: 0, prefetch_count: UInt16(limit), global: 0), amqp_basic_qos_ok_t.self)
    _ = try call(
      amqp_basic_consume_t(
        ticket: 0, queue: scratch.bytes(stream), consumer_tag: scratch.bytes("look"), no_local: 0, no_ack: 0,
        exclusive: 0, nowait: 0, arguments: scratch.table([Header("x-stream-offset", start)])),
      amqp_basic_consume_ok_t.self)
    var entries: [StreamEntry] = []
    var decoder = MessageDecoder()
    var pending: StreamEntry?
    var missing = 0
    var deadline = ContinuousClock.now + Self.firstPatience
    var end: ContinuousClock.Instant?
    reading: while ContinuousClock.now < deadline {
      while let frame = try nextFrame() {
        switch frame.type {
        case Frame.header:
          let received = decoder.message(wire(propertiesOf: frame))
          guard let offset = received.streamOffset else { break }
          missing = frame.bodySize
          pending = StreamEntry(
            offset: offset, id: received.eventID(in: stream), enqueuedAt: received.message.enqueuedAt)
        case Frame.body: missing -= frame.payload.count
        default: break
        }
        guard let entry = pending, missing <= 0 else { continue }
        pending = nil
        entries.append(entry)
        deadline = .now + patience
        if isMoving {
          let longest = end ?? .now + patience * 4
          end = longest
          deadline = min(deadline, longest)
        }
        if entries.count == limit || isLast(entry) { break reading }
      }
      try pause(until: deadline)
    }
    // Nothing is settled on a stream: the end of the channel ends the reading.
    try closeChannel()
    return entries
  }
}
