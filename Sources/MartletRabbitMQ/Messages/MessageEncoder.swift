import CRabbitMQ
import Foundation
import MartletCore

/// Where a publish goes on the broker.
struct Route: Hashable {
  var exchange = ""
  var routingKey: String
}

/// Writes messages as frames: method, header and body, with the fields of the wire layout.
struct MessageEncoder {
  /// What a message is sent with beside what its sender said.
  struct Extras {
    /// Attempts spent.
    var attempts = 0
    /// When it ends to be of use, in milliseconds since 1970. A date's layout is not known when this is compiled.
    var expiresAt: Int64?
    /// When the broker itself may set it aside, in milliseconds from now; nil is never.
    var expiration: Int64?
    /// A time of delivery that one pass of the delay ladder does not reach, likewise.
    var deliverAt: Int64?
    /// Why it is set aside.
    var reason: [Header] = []
  }

  /// RabbitMQ refuses larger ones by closing the channel.
  static let longestExpiration: Int64 = 4_294_967_295

  /// An output of a function, or a published message. By its place: to take it out of the array is to retain all its
  /// parts, which another processor has made.
  static func encode(
    _ messages: [OutgoingMessage], at index: Int, to route: Route, _ extras: borrowing Extras, sentAt: UInt64,
    channel: UInt16, into output: FrameBuffer
  ) -> Bool {
    if messages[index].isPlain {
      return encode(
        body: messages[index].body, id: messages[index].id, contentType: messages[index].contentType,
        sentAt: sentAt, to: route, channel: channel, into: output
      ) { _, _ in }
    }
    return encode(
      body: messages[index].body, id: messages[index].id, contentType: messages[index].contentType,
      key: messages[index].key, headers: messages[index].headers, trace: messages[index].trace, sentAt: sentAt,
      isDead: messages[index].address.kind == .deadLetters, to: route, extras, channel: channel, into: output)
  }

  /// A message that was received and moves on.
  static func encode(
    _ message: borrowing Message, to route: Route, _ extras: borrowing Extras, channel: UInt16,
    into output: FrameBuffer
  ) -> Bool {
    encode(
      body: message.body, id: message.id, contentType: message.contentType, key: message.key,
      headers: message.headers, trace: message.trace, sentAt: message.enqueuedAt?.unixSeconds, isDead: false,
      to: route, extras, channel: channel, into: output)
  }

  /// Answers false, and writes nothing, where the header does not fit into a frame.
  /// - Parameter isDead: whether the headers may say why the message is set aside, as those of an event's dead letter do.
  private static func encode(
    body: Bytes, id: String, contentType: ContentType?, key: String?, headers: Headers, trace: TraceContext?,
    sentAt: UInt64?, isDead: Bool, to route: Route, _ extras: borrowing Extras, channel: UInt16,
    into output: FrameBuffer
  ) -> Bool {
    encode(body: body, id: id, contentType: contentType, sentAt: sentAt, to: route, channel: channel, into: output) {
      properties, scratch in
      if let expiration = extras.expiration {
        properties._flags |= PropertyFlag.expiration
        properties.expiration = scratch.bytes(String(max(0, expiration)))
      }
      var table = TableBuilder(scratch: scratch, capacity: headers.count + extras.reason.count + 6)
      for header in headers where !properties.take(header, scratch) {
        let isOwn = isDead && header.name.hasPrefix(HeaderName.reason)
        let isTaken = !isOwn && HeaderName.isTaken(header.name)
        table.add(isTaken ? HeaderName.escape + header.name : header.name, header.value)
      }
      if let key { table.add(WireField.key, .string(key)) }
      if let trace {
        table.add(WireField.traceparent, .string(trace.traceparent))
        if let state = trace.state { table.add(WireField.tracestate, .string(state)) }
      }
      if extras.attempts > 0 { table.add(WireField.attempts, .int(Int64(extras.attempts))) }
      if let expiresAt = extras.expiresAt { table.add(WireField.expiresAt, .string(String(expiresAt))) }
      if let deliverAt = extras.deliverAt { table.add(HeaderName.deliverAt, .string(String(deliverAt))) }
      for header in extras.reason { table.add(header.name, header.value) }
      if !table.isEmpty {
        properties._flags |= PropertyFlag.headers
        properties.headers = table.table
      }
    }
  }

  /// - Parameter addRest: adds what few messages have.
  @inline(__always)
  private static func encode(
    body: Bytes, id: String, contentType: ContentType?, sentAt: UInt64?, to route: Route, channel: UInt16,
    into output: FrameBuffer, addRest: (inout amqp_basic_properties_t, Scratch) -> Void
  ) -> Bool {
    let mark = output.mark
    let scratch = output.scratch
    defer { scratch.clear() }
    output.method(
      amqp_basic_publish_t(
        ticket: 0, exchange: scratch.bytes(route.exchange), routing_key: scratch.bytes(route.routingKey),
        mandatory: 1, immediate: 0), channel: channel)
    var properties = amqp_basic_properties_t()
    properties._flags = PropertyFlag.deliveryMode | PropertyFlag.messageID
    properties.delivery_mode = 2
    properties.message_id = scratch.bytes(id)
    if let contentType {
      properties._flags |= PropertyFlag.contentType
      properties.content_type = scratch.bytes(contentType.name)
    }
    if let sentAt {
      properties._flags |= PropertyFlag.timestamp
      properties.timestamp = sentAt
    }
    addRest(&properties, scratch)
    guard output.content(&properties, body: body, channel: channel) else {
      output.rewind(to: mark)
      return false
    }
    return true
  }

  /// Why a message can be sent nowhere; nil where it can. `limit` is `maxMessageBytes`.
  static func problem(with messages: [OutgoingMessage], at index: Int, limit: Int) -> BrokerError? {
    if messages[index].body.count > limit {
      return BrokerError(
        .tooLarge,
        "message \(messages[index].id) has \(messages[index].body.count) bytes; at most \(limit) are allowed "
          + "(maxMessageBytes)", isRetriable: false)
    }
    if messages[index].address.kind == .hub, messages[index].deliverAt != nil {
      return BrokerError(
        .configuration,
        "an event cannot be delayed (message \(messages[index].id) for \(messages[index].address)); use a queue",
        isRetriable: false)
    }
    if messages[index].id.utf8.count > 255 || (messages[index].contentType?.name.utf8.count ?? 0) > 255 {
      return BrokerError(
        .tooLarge,
        "AMQP carries ids and content types of at most 255 bytes; message \(messages[index].id.prefix(64))… has "
          + "more", isRetriable: false)
    }
    if messages[index].isPlain || messages[index].headers.isEmpty { return nil }
    return problem(withHeaders: messages[index].headers, id: messages[index].id)
  }

  /// Why nothing can be sent to an address; nil where it can.
  static func problem(with address: Address) -> BrokerError? {
    guard [.queue, .hub, .deadLetters].contains(address.kind) else {
      return BrokerError(.configuration, "RabbitMQ carries no \(address) yet", isRetriable: false)
    }
    guard address.name.isEmpty || address.name.utf8.count > QueueLayout.longestName else { return nil }
    return BrokerError(
      .configuration,
      "the name '\(address.name)' is empty or longer than \(QueueLayout.longestName) bytes", isRetriable: false)
  }

  private static func problem(withHeaders headers: Headers, id: String) -> BrokerError? {
    for header in headers {
      if header.name.utf8.count > HeaderName.longest {
        return BrokerError(
          .tooLarge, "message \(id) has a header whose name is longer than AMQP allows", isRetriable: false)
      }
      if header.value.depth > HeaderValue.deepest {
        return BrokerError(
          .tooLarge, "header '\(header.name)' of message \(id) is nested more than \(HeaderValue.deepest) deep",
          isRetriable: false)
      }
    }
    return nil
  }

  /// The answer to a message whose header fits into no frame.
  static func headersTooLarge(id: String) -> BrokerError {
    BrokerError(
      .tooLarge, "the headers of message \(id) are larger than a frame of AMQP (about 127 KiB); put them into the body",
      isRetriable: false)
  }
}

/// A header table under construction, in scratch memory.
struct TableBuilder {
  private let scratch: Scratch
  private let entries: UnsafeMutablePointer<amqp_table_entry_t>
  private var count = 0

  init(scratch: Scratch, capacity: Int) {
    self.scratch = scratch
    entries = scratch.array(of: amqp_table_entry_t.self, count: capacity)
  }

  var isEmpty: Bool { count == 0 }
  var table: amqp_table_t { amqp_table_t(num_entries: Int32(count), entries: entries) }

  mutating func add(_ name: String, _ value: HeaderValue) {
    entries[count] = amqp_table_entry_t(key: scratch.bytes(name), value: scratch.value(value))
    count += 1
  }
}
