import CRabbitMQ
import Glibc
import MartletCore

@testable import MartletRabbitMQ

/// Another client of the broker, with manners of its own: sends what Martlet never would.
final class Stranger {
  private let wire: Wire

  init(_ url: String) throws {
    let connector = try Connector(
      url: ConnectionURL(url), identity: ClientIdentity(connectionName: "stranger", heartbeat: .seconds(60)), now: .now)
    var ready = false
    while true {
      if let wire = try connector.advance(isReady: ready, now: .now) {
        self.wire = wire
        break
      }
      ready = Self.wait(connector.interest)
    }
    wire.output.method(amqp_channel_open_t(), channel: 1)
    wire.output.method(amqp_confirm_select_t(nowait: 0), channel: 1)
    try hear(amqp_confirm_select_ok_t.number)
  }

  private static func wait(_ interest: (descriptor: Int32, events: Int16)) -> Bool {
    var one = pollfd(fd: interest.descriptor, events: interest.events, revents: 0)
    return poll(&one, 1, 10_000) > 0
  }

  /// Sends what waits and reads until a method comes.
  private func hear(_ number: UInt32) throws {
    while true {
      try wire.flush(now: .now)
      guard Self.wait((wire.descriptor, wire.events)) else { throw TestFailure("the broker is silent") }
      _ = try wire.receive(now: .now)
      while let frame = try wire.nextFrame() {
        if frame.methodNumber == number, frame.type == Frame.method { return }
        if let close = wire.pool.decode(amqp_channel_close_t.self, from: frame) {
          throw TestFailure("the broker refuses: \(close.reply_text.text)")
        }
        if let close = wire.pool.decode(amqp_connection_close_t.self, from: frame) {
          throw TestFailure("the broker closes: \(close.reply_text.text)")
        }
      }
    }
  }

  /// Publishes a message with these properties, as bytes behind the flags, and waits for the confirm.
  func publish(to queue: String, flags: UInt16 = 0, properties: [UInt8] = [], body: [UInt8]) throws {
    let scratch = wire.output.scratch
    wire.output.method(
      amqp_basic_publish_t(
        ticket: 0, exchange: amqp_bytes_t(), routing_key: scratch.bytes(queue), mandatory: 0, immediate: 0), channel: 1)
    scratch.clear()
    var header: [UInt8] = [0, 0x3C, 0, 0]
    header += (0..<8).reversed().map { UInt8(truncatingIfNeeded: body.count >> ($0 * 8)) }
    header += [UInt8(flags >> 8), UInt8(flags & 0xff)] + properties
    wire.output.raw(type: Frame.header, channel: 1, header)
    if !body.isEmpty { wire.output.raw(type: Frame.body, channel: 1, body) }
    try hear(amqp_basic_ack_t.number)
  }

  /// Declares a queue as somebody else would.
  func declare(_ queue: String, _ arguments: [Header] = [], isDurable: Bool = true) throws {
    let scratch = wire.output.scratch
    wire.output.method(
      amqp_queue_declare_t(
        ticket: 0, queue: scratch.bytes(queue), passive: 0, durable: isDurable ? 1 : 0, exclusive: 0, auto_delete: 0,
        nowait: 0, arguments: scratch.table(arguments)), channel: 1)
    scratch.clear()
    try hear(amqp_queue_declare_ok_t.number)
  }

  /// Declares an exchange as somebody else would.
  func declare(exchange: String) throws {
    let scratch = wire.output.scratch
    wire.output.method(
      amqp_exchange_declare_t(
        ticket: 0, exchange: scratch.bytes(exchange), type: scratch.bytes("direct"), passive: 0, durable: 0,
        auto_delete: 1, internal: 0, nowait: 0, arguments: amqp_table_t()), channel: 1)
    scratch.clear()
    try hear(amqp_exchange_declare_ok_t.number)
  }

  /// A header table: its length and its fields.
  static func table(_ fields: [UInt8]) -> [UInt8] { length(fields.count) + fields }
  static func length(_ count: Int) -> [UInt8] {
    (0..<4).reversed().map { UInt8(truncatingIfNeeded: count >> ($0 * 8)) }
  }
  static func field(_ name: String, _ kind: Character, _ value: [UInt8]) -> [UInt8] {
    [UInt8(name.utf8.count)] + Array(name.utf8) + [kind.asciiValue ?? 0] + value
  }
}
