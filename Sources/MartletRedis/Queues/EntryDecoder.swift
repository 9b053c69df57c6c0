import Foundation
import MartletCore

/// Reads stream entries, ours and strangers'. Never fails: what makes no sense is left out or becomes a header.
struct EntryDecoder {
  let queue: String

  /// A decoded entry. One is filled again and again, because this runs for every message.
  struct Entry {
    var message = Entry.empty
    fileprivate(set) var high: UInt64 = 0
    fileprivate(set) var low: UInt64 = 0
    /// Attempts spent, as written with the message.
    var spent = 0
    var hasBody = false
    fileprivate var hasID = false
    /// Not a message: it tells that one is due earlier than the readers may know.
    var isWake = false

    /// Hands the message over.
    mutating func takeMessage() -> Message {
      var taken = Self.empty
      swap(&message, &taken)
      return taken
    }

    private static var empty: Message { Message(identifier: .text(""), enqueuedMilliseconds: -1) }
  }

  /// Reads the entry whose `[id, [field, value, …]]` begins at `position` and moves behind it.
  /// False for an entry that was deleted: its fields are null.
  func next(_ reply: Reply, _ position: inout Int, _ entry: inout Entry) -> Bool {
    let nodes = reply.nodes
    guard position + 2 < nodes.count, nodes[position].kind == .array else {
      position = nodes.count
      return false
    }
    let id = nodes[position + 1]
    let fields = nodes[position + 2]
    position += 3
    let (high, low) = Self.streamID(reply.bytes(id))
    guard fields.kind == .array else { return false }
    entry.message = Message(identifier: .text(""), enqueuedMilliseconds: Int64(clamping: high))
    entry.high = high
    entry.low = low
    entry.spent = 0
    entry.hasBody = false
    entry.hasID = false
    entry.isWake = false
    var details = Details()
    let end = min(position + fields.number, nodes.count)
    while position + 1 < end {
      read(reply, nodes[position], nodes[position + 1], &entry, &details)
      position += 2
    }
    position = end
    if !entry.hasID { entry.message.id = "\(queue)/\(high)-\(low)" }
    if details.areMany { details.apply(to: &entry.message) } else if let key = details.key { entry.message.key = key }
    return true
  }

  /// What few entries have.
  private struct Details {
    var key: String?
    var headers = Headers()
    var traceparent: String?
    var tracestate: String?
    var expiresAt: Date?
    /// Whether there is more than a key.
    var areMany = false

    func apply(to message: inout Message) {
      message.key = key
      message.attach(
        headers: headers, trace: traceparent.flatMap { TraceContext(traceparent: $0, state: tracestate) },
        expiresAt: expiresAt)
    }
  }

  private func read(
    _ reply: Reply, _ name: Reply.Node, _ value: Reply.Node, _ entry: inout Entry, _ details: inout Details
  ) {
    let field = reply.bytes(name)
    switch field.count {
    case 4 where field.equals("body"):
      entry.message.body = reply.slice(value)
      entry.hasBody = true
    case 2 where field.equals("id"):
      entry.message.identifier = .utf8(reply.slice(value))
      entry.hasID = value.length > 0
    case 3 where field.equals("key"): details.key = reply.text(value)
    case 12 where field.equals("content-type"):
      entry.message.contentType = ContentType(utf8: reply.bytes(value))
    default:
      details.areMany = true
      readRare(reply.text(name), reply.text(value), &entry, &details)
    }
  }

  private func readRare(_ name: String, _ value: String, _ entry: inout Entry, _ details: inout Details) {
    switch name {
    case "traceparent": details.traceparent = value
    case "tracestate": details.tracestate = value
    case "martlet-wake": entry.isWake = true
    case WireField.attempts: entry.spent = min(max(0, Int(value) ?? 0), Self.mostAttempts)
    case WireField.expiresAt:
      details.expiresAt = Int64(value).map { Date(timeIntervalSince1970: Double($0) / 1000) }
    case _ where name.hasPrefix("h:"): details.headers.append(Header(String(name.dropFirst(2)), .string(value)))
    default: details.headers.append(Header(name, .string(value)))
    }
  }

  /// A stranger may write any number; one more than it must still be a number.
  private static let mostAttempts = 1 << 30

  /// The place of the last entry of an answer to XRANGE, without a look at the others; nil where it is not one.
  static func lastID(of reply: Reply) -> EventOffset? {
    let nodes = reply.nodes
    var (position, last) = (1, 0)
    while position + 2 < nodes.count, nodes[position].kind == .array, nodes[position + 2].kind == .array {
      last = position + 1
      position += 3 + nodes[position + 2].number
    }
    guard last > 0, position == nodes.count else { return nil }
    let (high, low) = streamID(reply.bytes(nodes[last]))
    return EventOffset(high: high, low: low)
  }

  /// `1700000000000-5`
  static func streamID(_ text: UnsafeRawBufferPointer) -> (UInt64, UInt64) {
    var parts: (UInt64, UInt64) = (0, 0)
    var isLow = false
    for byte in text {
      if byte == UInt8(ascii: "-") {
        isLow = true
      } else {
        let digit = UInt64(byte &- UInt8(ascii: "0"))
        if isLow { parts.1 = parts.1 &* 10 &+ digit } else { parts.0 = parts.0 &* 10 &+ digit }
      }
    }
    return parts
  }
}
