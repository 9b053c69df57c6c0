import CRabbitMQ
import MartletCore

/// What a connection says of itself.
struct ClientIdentity: Sendable {
  /// Shown in RabbitMQ's list of connections: `shop publisher 3f9a…`.
  var connectionName: String
  /// How long the broker may hear nothing before it gives the connection up.
  var heartbeat: Duration
}

/// The first exchange on a connection, as a state machine: frames in, frames out, no I/O of its own.
struct Login {
  private enum State { case greeting, authenticating, opening, open }
  private var state = State.greeting
  private let url: ConnectionURL
  private let identity: ClientIdentity

  init(url: ConnectionURL, identity: ClientIdentity) {
    self.url = url
    self.identity = identity
  }

  func begin(_ wire: Wire) { wire.output.protocolHeader() }

  /// Takes a frame; true when the connection is open.
  mutating func handle(_ frame: Frame, _ wire: Wire) throws(BrokerError) -> Bool {
    guard frame.type == Frame.method else { return false }
    if let close = wire.pool.decode(amqp_connection_close_t.self, from: frame) {
      wire.output.method(amqp_connection_close_ok_t(), channel: 0)
      throw .connectionClosed(code: close.reply_code, text: close.reply_text.text, url: url)
    }
    switch state {
    case .greeting:
      guard let start = wire.pool.decode(amqp_connection_start_t.self, from: frame) else { throw unexpected(frame) }
      guard start.mechanisms.text.split(separator: " ").contains("PLAIN") else {
        throw BrokerError(
          .authentication,
          "RabbitMQ at \(url) does not accept names and passwords (PLAIN), only "
            + start.mechanisms.text, isRetriable: false)
      }
      answer(wire)
      state = .authenticating
    case .authenticating:
      guard let tune = wire.pool.decode(amqp_connection_tune_t.self, from: frame) else { throw unexpected(frame) }
      try tuneAndOpen(tune, wire)
      state = .opening
    case .opening:
      guard frame.methodNumber == amqp_connection_open_ok_t.number else { throw unexpected(frame) }
      state = .open
    case .open: break
    }
    return state == .open
  }

  private func answer(_ wire: Wire) {
    let scratch = wire.output.scratch
    defer { scratch.clear() }
    let capabilities: [Header] = [
      Header("consumer_cancel_notify", true), Header("connection.blocked", true), Header("basic.nack", true),
      Header("publisher_confirms", true), Header("authentication_failure_close", true),
      Header("exchange_exchange_bindings", true),
    ]
    let properties: [Header] = [
      Header("product", "Martlet"), Header("platform", "Swift"),
      Header("connection_name", .string(identity.connectionName)), Header("capabilities", .table(capabilities)),
    ]
    wire.output.method(
      amqp_connection_start_ok_t(
        client_properties: scratch.table(properties), mechanism: scratch.bytes("PLAIN"),
        response: scratch.bytes("\0\(url.user)\0\(url.password)"), locale: scratch.bytes("en_US")), channel: 0)
  }

  private func tuneAndOpen(_ tune: amqp_connection_tune_t, _ wire: Wire) throws(BrokerError) {
    let ours: UInt32 = 131_072
    let frameMax = tune.frame_max == 0 ? ours : min(UInt32(tune.frame_max), ours)
    guard frameMax >= 4096 else { throw .violation("frames of at most \(frameMax) bytes", url: url) }
    let channelMax = tune.channel_max == 0 ? 2047 : min(UInt16(tune.channel_max), 2047)
    let heartbeat = UInt16(clamping: max(1, identity.heartbeat.components.seconds))
    wire.output.method(
      amqp_connection_tune_ok_t(
        channel_max: .init(truncatingIfNeeded: channelMax), frame_max: .init(truncatingIfNeeded: frameMax),
        heartbeat: .init(truncatingIfNeeded: heartbeat)), channel: 0)
    wire.tune(frameMax: frameMax, channelMax: channelMax, heartbeat: .seconds(Int(heartbeat)))
    defer { wire.output.scratch.clear() }
    wire.output.method(
      amqp_connection_open_t(
        virtual_host: wire.output.scratch.bytes(url.virtualHost), capabilities: amqp_bytes_t(), insist: 0), channel: 0)
  }

  private func unexpected(_ frame: Frame) -> BrokerError {
    .violation("method \(frame.methodNumber >> 16).\(frame.methodNumber & 0xffff) during the login", url: url)
  }
}
