import CRabbitMQ
import Foundation
import MartletCore

/// Reads the properties of a delivery. Nothing that a stranger sends is an error: what cannot be understood is left out.
struct MessageDecoder {
  /// Where the bytes of a batch go.
  var arena = ByteArena()

  /// What a message is made of while its headers are read.
  private struct Parts {
    var key: String?
    var headers = Headers()
    var traceparent: amqp_bytes_t?
    var tracestate: String?
    /// Milliseconds since 1970. A date's layout is not known when this is compiled.
    var expiresAt: Int64?
    var deliverAt: Int64?
    var reason: [Header] = []
    var death: BrokerDeath?
  }

  /// Everything but the body. `properties` is nil where the library could not read them.
  mutating func message(_ properties: UnsafePointer<amqp_basic_properties_t>?) -> ReceivedMessage {
    var received = ReceivedMessage()
    read(properties, into: &received)
    return received
  }

  /// The same, over one that is not needed any more.
  mutating func read(_ properties: UnsafePointer<amqp_basic_properties_t>?, into received: inout ReceivedMessage) {
    (received.attempts, received.deliveryCount, received.streamOffset, received.details) = (0, 0, nil, nil)
    received.hasID = false
    guard let properties else {
      received.message = Message(identifier: .text(MessageIdentifier.random()), enqueuedMilliseconds: -1)
      return
    }
    let flags = properties.pointee._flags
    let id = properties.pointee.message_id
    // Without an id of the sender's, two equal bodies may be two messages: a random id never drops one as a repeat.
    received.hasID = flags & PropertyFlag.messageID != 0 && id.len > 0
    received.message = Message(
      identifier: received.hasID ? identifier(id.buffer) : .text(MessageIdentifier.random()),
      contentType: flags & PropertyFlag.contentType != 0
        ? Self.contentType(properties.pointee.content_type.buffer) : nil,
      enqueuedMilliseconds: flags & PropertyFlag.timestamp != 0
        ? Int64(min(properties.pointee.timestamp, 9_000_000_000_000)) * 1000 : -1)
    guard flags & (PropertyFlag.headers | PropertyFlag.foreign) != 0 else { return }
    var parts = Parts()
    if flags & PropertyFlag.foreign != 0 {
      for header in properties.pointee.foreignHeaders { parts.headers.append(header) }
    }
    if flags & PropertyFlag.headers != 0 { read(properties.pointee.headers, &parts, &received) }
    received.message.key = parts.key
    received.message.attach(
      headers: parts.headers,
      trace: parts.traceparent.flatMap { TraceContext(traceparent: $0.buffer, state: parts.tracestate) },
      expiresAt: parts.expiresAt.map(Date.init(unixMilliseconds:)))
    guard parts.deliverAt != nil || !parts.reason.isEmpty || parts.death != nil else { return }
    received.details = ReceivedMessage.Details(
      ReceivedMessage.Values(
        deliverAt: parts.deliverAt.map(Date.init(unixMilliseconds:)), reason: parts.reason, death: parts.death))
  }

  /// An id that is no UTF-8 is replaced by a digest, always the same: repaired it could be longer than AMQP carries, and
  /// then the message could neither be retried nor set aside.
  private mutating func identifier(_ bytes: UnsafeRawBufferPointer) -> Message.Identifier {
    // Nearly all are ASCII, which needs no other check.
    if bytes.allSatisfy({ $0 < 0x80 }) { return .utf8(arena.copy(bytes)) }
    return .text(String(validating: bytes, as: UTF8.self) ?? MessageIdentifier.digest(of: bytes))
  }

  /// Nil for what is no UTF-8, for the same reason.
  private static func contentType(_ bytes: UnsafeRawBufferPointer) -> ContentType? {
    let type = ContentType(utf8: bytes)
    return type.name.utf8.count == bytes.count ? type : nil
  }

  private mutating func read(_ table: amqp_table_t, _ parts: inout Parts, _ received: inout ReceivedMessage) {
    for entry in table.elements {
      let name = entry.key.buffer
      // Martlet's, W3C's and RabbitMQ's own names begin with these letters; most users' headers are out at once.
      switch name.first {
      case UInt8(ascii: "m") where name.starts(with: "martlet-".utf8): readOwn(entry, &parts, &received)
      case UInt8(ascii: "t") where name.elementsEqual(WireField.traceparent.utf8):
        if entry.value.kind == FieldKind.text { parts.traceparent = entry.value.value.bytes }
      case UInt8(ascii: "t") where name.elementsEqual(WireField.tracestate.utf8):
        if entry.value.kind == FieldKind.text { parts.tracestate = entry.value.value.bytes.text }
      case UInt8(ascii: "x") where name.starts(with: "x-".utf8): readBrokers(entry, &parts, &received)
      default: append(entry, name: entry.key.text, &parts)
      }
    }
  }

  private mutating func append(_ entry: amqp_table_entry_t, name: String, _ parts: inout Parts) {
    guard name.utf8.count <= HeaderName.longest else { return }
    parts.headers.append(Header(name, HeaderValue(entry.value, arena: &arena)))
  }

  private mutating func readOwn(_ entry: amqp_table_entry_t, _ parts: inout Parts, _ received: inout ReceivedMessage) {
    let name = entry.key.text
    switch name {
    case WireField.key: if entry.value.kind == FieldKind.text { parts.key = entry.value.value.bytes.text }
    case WireField.attempts: received.attempts = Int(clamping: max(0, integer(entry.value) ?? 0))
    case WireField.expiresAt: parts.expiresAt = integer(entry.value)
    case HeaderName.deliverAt: parts.deliverAt = integer(entry.value)
    default:
      if name.hasPrefix(HeaderName.escape) {
        append(entry, name: String(name.dropFirst(HeaderName.escape.count)), &parts)
      } else if name.hasPrefix(HeaderName.reason) {
        parts.reason.append(Header(name, HeaderValue(entry.value, arena: &arena)))
      } else {
        append(entry, name: name, &parts)
      }
    }
  }

  private mutating func readBrokers(
    _ entry: amqp_table_entry_t, _ parts: inout Parts, _ received: inout ReceivedMessage
  ) {
    let name = entry.key.text
    switch name {
    case HeaderName.streamOffset: received.streamOffset = integer(entry.value).map { UInt64(max(0, $0)) }
    case HeaderName.deliveryCount: received.deliveryCount = Int(clamping: max(0, integer(entry.value) ?? 0))
    case HeaderName.deathHistory:
      parts.death = BrokerDeath(history: entry.value)
      // The delay ladder's own hops are nobody's business.
      if parts.death != nil { append(entry, name: name, &parts) }
    case "x-first-death-exchange", "x-first-death-queue", "x-first-death-reason": break
    default: append(entry, name: name, &parts)
    }
  }

  /// A number, in whatever type it came.
  private mutating func integer(_ field: amqp_field_value_t) -> Int64? {
    switch HeaderValue(field, arena: &arena) {
    case .int(let number): number
    case .string(let text): Int64(text)
    default: nil
    }
  }
}
