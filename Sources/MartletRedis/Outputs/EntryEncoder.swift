import Foundation
import MartletCore

/// Writes a message as the fields of a stream entry.
enum EntryEncoder {
  /// Lua cannot pass more values on.
  private static let mostArguments = 7_000

  /// Why a message cannot be written, whoever tries.
  static func problem(of message: OutgoingMessage, limit: Int) -> BrokerError? {
    if message.body.count > limit {
      return BrokerError(
        .tooLarge,
        "the message \(message.id) for \(message.address) has \(message.body.count) bytes; maxMessageBytes is \(limit)",
        isRetriable: false)
    }
    guard !message.isPlain, argumentCount(message) > mostArguments else { return nil }
    return BrokerError(
      .tooLarge,
      "the message \(message.id) for \(message.address) has \(message.headers.count) headers; 3 400 are possible",
      isRetriable: false)
  }

  /// How many arguments `write` adds.
  static func argumentCount(_ message: OutgoingMessage) -> Int {
    let plain = message.contentType == nil ? 4 : 6
    guard !message.isPlain else { return plain }
    var count = plain
    if message.key != nil { count += 2 }
    if let trace = message.trace { count += trace.state == nil ? 2 : 4 }
    if message.timeToLive != nil { count += 2 }
    return count + 2 * message.headers.count { $0.value.text != nil }
  }

  static func write(_ message: OutgoingMessage, to buffer: inout RequestBuffer) {
    buffer.append("id")
    buffer.append(message.id)
    if let contentType = message.contentType {
      buffer.append("content-type")
      buffer.append(contentType.name)
    }
    if !message.isPlain { writeDetails(message, to: &buffer) }
    buffer.append("body")
    buffer.append(message.body)
  }

  private static func writeDetails(_ message: OutgoingMessage, to buffer: inout RequestBuffer) {
    if let key = message.key {
      buffer.append("key")
      buffer.append(key)
    }
    if let trace = message.trace {
      buffer.append("traceparent")
      buffer.append(trace.traceparent)
      if let state = trace.state {
        buffer.append("tracestate")
        buffer.append(state)
      }
    }
    if let expiresAt = message.expiresAt(sentAt: Date()) {
      buffer.append(WireField.expiresAt)
      buffer.append(Int(milliseconds: expiresAt.timeIntervalSince1970 * 1000))
    }
    for header in message.headers {
      guard let text = header.value.text else { continue }
      buffer.append("h:", header.name)
      buffer.append(text)
    }
  }
}

extension Int {
  /// Milliseconds for Redis, which counts in doubles: far times are brought near enough to be exact.
  init(milliseconds: Double) {
    self = milliseconds.isNaN ? 0 : Int(Swift.min(Swift.max(milliseconds, -9e15), 9e15))
  }
}
