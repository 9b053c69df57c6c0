import Foundation
import MartletCore

extension Store {
  /// Adds a message to a queue: at once to be received, or delayed.
  /// - Parameter now: milliseconds since 1970.
  /// - Returns: when it can be received, where that is later.
  @discardableResult
  func insert(_ message: OutgoingMessage, into queue: QueueRow, now: Int64) throws(SQLiteError) -> Int64? {
    let due = message.deliverAt.map { Self.milliseconds($0.timeIntervalSince1970 * 1000) }
    let lifetime = message.timeToLive.map { Self.milliseconds($0 / .milliseconds(1)) }
    let expires = lifetime.map { max(due ?? now, now) + $0 }
    let insert: Statement
    if let due, due > now {
      insert = statements.insertDelayed
      insert.bind(queue.id, at: 1)
      insert.bind(due, at: 11)
    } else {
      insert = statements.insertMessage
      insert.bind(try nextPlace(in: queue, lane: .main).rawValue, at: 1)
    }
    insert.bind(0, at: 2)
    try run(insert, with: message, headers: message.headers, enqueued: now, expires: expires)
    return due.flatMap { $0 > now ? $0 : nil }
  }

  /// Runs an insertion whose parameters 3 to 10 are what a message is made of.
  /// - Returns: the bytes of body and headers.
  @discardableResult
  func run(
    _ insert: Statement, with message: OutgoingMessage, headers: some Collection<Header>, enqueued: Int64,
    expires: Int64?
  ) throws(SQLiteError) -> Int {
    insert.bind(enqueued, at: 3)
    insert.bind(expires, at: 4)
    insert.bind(message.id, at: 5)
    insert.bind(message.contentType?.name, at: 6)
    insert.bind(message.key, at: 7)
    if let trace = message.trace {
      FieldCoding.encode(trace) { insert.bind($0, at: 8) }
    } else {
      insert.bindNull(at: 8)
    }
    var bytes = message.body.count
    if headers.isEmpty {
      insert.bindNull(at: 9)
    } else {
      let encoded = FieldCoding.encode(headers)
      bytes += encoded.count
      encoded.withUnsafeBytes { insert.bind($0, at: 9) }
    }
    try message.body.withUnsafeBytes { body throws(SQLiteError) in
      insert.lend(body, at: 10)
      try insert.run()
    }
    return bytes
  }

  /// Rounded up, so that nothing comes early; a time that does not fit is the end of time.
  static func milliseconds(_ value: Double) -> Int64 {
    value.isNaN ? 0 : Int64(max(-4e18, min(4e18, value.rounded(.up))))
  }

  /// The next place of a lane. A queue that is empty far behind begins again at zero, so that numbers never run out.
  func nextPlace(in queue: QueueRow, lane: Place.Lane) throws(SQLiteError) -> Place {
    let tail = queue.tails[lane.rawValue]
    if tail >= 1 << (Place.numberBits - 1), tail == queue.heads[lane.rawValue] {
      let first = Place(queue: queue.id, lane: lane, number: 0)
      if try count(first...Place(queue: queue.id, lane: lane, number: tail)) == 0 {
        queue.heads[lane.rawValue] = 0
        queue.tails[lane.rawValue] = 0
      }
    }
    return queue.append(to: lane)
  }

  /// How many messages stand in a range.
  func count(_ range: ClosedRange<Place>) throws(SQLiteError) -> Int {
    statements.countMessages.bind(range.lowerBound.rawValue, at: 1)
    statements.countMessages.bind(range.upperBound.rawValue, at: 2)
    return Int(try statements.countMessages.first { $0.integer(0) } ?? 0)
  }
}
