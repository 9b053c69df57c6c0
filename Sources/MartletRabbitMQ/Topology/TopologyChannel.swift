import CRabbitMQ
import Glibc
import MartletCore

/// A connection for questions: one method, one answer, on a thread that may wait. Errors close its channel, which is
/// opened again with the next question.
final class TopologyChannel {
  private let wire: Wire
  private let stop: WakeSignal
  private var isOpen = false
  /// False after an error of the connection: this object is of no more use.
  private(set) var isConnected = true
  /// Whether the ladder's parts were declared on this connection.
  var knowsDelivery = false
  var ladderHeight = 0
  var mustRebuildLadder = false
  /// The queue of this connection that keeps the markers of volatile stores. While there is one the connection must stay.
  var ownedQueue: String?
  /// When the queues that this connection made have their names on the broker's disk.
  var registeredAt = ContinuousClock.now
  /// RabbitMQ looks every 500 ms whether it has to write down the names of its quorum queues, and does so at the second
  /// look after the last change (`auto_save` of Ra's directory). A queue without its name has lost its messages,
  /// confirmed ones too, when a killed node comes back.
  static let registrationTime = Duration.milliseconds(1200)
  /// An answer that takes longer means that a queue has no leader, or the broker is stuck.
  private static let patience = Duration.seconds(15)

  /// Connects. Waits for it, at most until `stop` is signalled.
  init(url: ConnectionURL, identity: ClientIdentity, stop: WakeSignal) throws(BrokerError) {
    self.stop = stop
    let connector = try Connector(url: url, identity: identity, now: .now)
    var ready = false
    while true {
      if let wire = try connector.advance(isReady: ready, now: .now) {
        self.wire = wire
        return
      }
      let (descriptor, events) = connector.interest
      ready = try Self.wait(descriptor, events, stop: stop, until: connector.wakeTime)
    }
  }

  private static func wait(_ descriptor: Int32, _ events: Int16, stop: WakeSignal, until: ContinuousClock.Instant)
    throws(BrokerError) -> Bool
  {
    var interests = [
      pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: descriptor, events: events, revents: 0),
    ]
    let milliseconds = ((until - .now) / .milliseconds(1)).rounded(.up)
    _ = poll(&interests, 2, Int32(max(0, min(milliseconds, 60_000))))
    if interests[0].revents != 0 { throw .closedBroker }
    return interests[1].revents != 0
  }

  /// Memory for the fields of a question. It ends with the question.
  var scratch: Scratch { wire.output.scratch }

  /// Asks and waits for the answer. Its bytes are good until the next question.
  func call<Reply: AMQPMethod>(_ request: some AMQPMethod, _ reply: Reply.Type) throws(BrokerError) -> Reply {
    let frame = try ask(request, answers: [Reply.number])
    guard let answer = wire.pool.decode(reply, from: frame) else {
      isConnected = false
      throw .violation("an answer that cannot be read", url: wire.url)
    }
    return answer
  }

  /// Asks and waits for one of several answers.
  private func ask(_ request: some AMQPMethod, answers: [UInt32]) throws(BrokerError) -> Frame {
    defer { scratch.clear() }
    if !isOpen {
      wire.output.method(amqp_channel_open_t(), channel: 1)
      _ = try wait(for: [amqp_channel_open_ok_t.number])
      isOpen = true
    }
    wire.output.method(request, channel: 1)
    return try wait(for: answers)
  }

  /// Reads frames until one of the answers comes.
  private func wait(for answers: [UInt32]) throws(BrokerError) -> Frame {
    let deadline = ContinuousClock.now + Self.patience
    while true {
      try exchange(until: deadline)
      while let frame = try next() {
        if frame.type == Frame.method, answers.contains(frame.methodNumber) { return frame }
      }
    }
  }

  /// The next frame that came, errors thrown.
  private func next() throws(BrokerError) -> Frame? {
    do throws(BrokerError) {
      guard let frame = try wire.nextFrame() else { return nil }
      try check(frame)
      return frame
    } catch {
      if isOpen { isConnected = false }
      throw error
    }
  }

  private func check(_ frame: Frame) throws(BrokerError) {
    if let close = wire.pool.decode(amqp_channel_close_t.self, from: frame) {
      let error = BrokerError.channelClosed(code: close.reply_code, text: close.reply_text.text)
      wire.output.method(amqp_channel_close_ok_t(), channel: 1)
      isOpen = false
      throw error
    }
    if let close = wire.pool.decode(amqp_connection_close_t.self, from: frame) {
      isOpen = false
      isConnected = false
      throw .connectionClosed(code: close.reply_code, text: close.reply_text.text, url: wire.url)
    }
  }

  /// Writes what waits and reads what comes, once.
  private func exchange(until deadline: ContinuousClock.Instant) throws(BrokerError) {
    do throws(BrokerError) {
      try wire.flush(now: .now)
      let wakeTime = min(deadline, try wire.keepAlive(now: .now))
      if try Self.wait(wire.descriptor, wire.events, stop: stop, until: wakeTime) { _ = try wire.receive(now: .now) }
      if ContinuousClock.now >= deadline {
        throw BrokerError(
          .unavailable, "RabbitMQ at \(wire.url) has not answered within \(Self.patience)", isRetriable: true)
      }
    } catch {
      isConnected = false
      throw error
    }
  }

  /// Takes one message from a queue, unsettled; nil where there is none. It goes back when the channel closes.
  func get(_ queue: String, decoder: inout MessageDecoder) throws(BrokerError) -> ReceivedMessage? {
    let answer = try ask(
      amqp_basic_get_t(ticket: 0, queue: scratch.bytes(queue), no_ack: 0),
      answers: [amqp_basic_get_ok_t.number, amqp_basic_get_empty_t.number])
    guard answer.methodNumber == amqp_basic_get_ok_t.number else { return nil }
    var received: ReceivedMessage?
    var body: [UInt8] = []
    var expected = 0
    let deadline = ContinuousClock.now + .seconds(60)
    while true {
      while let frame = try next() {
        switch frame.type {
        case Frame.header:
          received = decoder.message(wire.pool.properties(of: frame))
          expected = frame.bodySize
        case Frame.body: body.append(contentsOf: frame.payload)
        default: break
        }
        if var done = received, body.count >= expected {
          done.message.body = body.withUnsafeBytes { decoder.arena.copy($0) }
          return done
        }
      }
      try exchange(until: deadline)
    }
  }

  /// The next frame that has come, errors thrown; nil when more must be waited for.
  func nextFrame() throws(BrokerError) -> Frame? { try next() }

  /// The properties of a header frame, until the next frame.
  func wire(propertiesOf frame: Frame) -> UnsafePointer<amqp_basic_properties_t>? { wire.pool.properties(of: frame) }

  /// Waits for more, at most until then.
  func pause(until time: ContinuousClock.Instant) throws(BrokerError) {
    do throws(BrokerError) {
      try wire.flush(now: .now)
      let wakeTime = min(time, try wire.keepAlive(now: .now))
      if try Self.wait(wire.descriptor, wire.events, stop: stop, until: wakeTime) { _ = try wire.receive(now: .now) }
    } catch {
      isConnected = false
      throw error
    }
  }

  /// Closes the channel: what `get` took goes back.
  func closeChannel() throws(BrokerError) {
    guard isOpen else { return }
    _ = try call(
      amqp_channel_close_t(reply_code: 200, reply_text: amqp_bytes_t(), class_id: 0, method_id: 0),
      amqp_channel_close_ok_t.self)
    isOpen = false
  }

  /// Says goodbye, and waits a moment for the answer: the broker's log would show a lost connection otherwise.
  func disconnect() {
    guard isConnected else { return }
    isConnected = false
    wire.output.method(
      amqp_connection_close_t(reply_code: 200, reply_text: amqp_bytes_t(), class_id: 0, method_id: 0), channel: 0)
    do throws(BrokerError) {
      try wire.flush(now: .now)
      var interest = pollfd(fd: wire.descriptor, events: Int16(POLLIN), revents: 0)
      while poll(&interest, 1, 500) > 0 {
        _ = try wire.receive(now: .now)
        while let frame = try wire.nextFrame() {
          if frame.methodNumber == amqp_connection_close_ok_t.number { return }
        }
      }
    } catch {
      // It is over either way.
    }
  }

  /// Keeps an idle connection alive. Answers when to be called again; throws when it is gone.
  func idle() throws(BrokerError) -> ContinuousClock.Instant {
    _ = try wire.receive(now: .now)
    while try next() != nil {}
    let wakeTime = try wire.keepAlive(now: .now)
    try wire.flush(now: .now)
    return wakeTime
  }

  /// What to poll for while idle.
  var descriptor: Int32 { wire.descriptor }
}
