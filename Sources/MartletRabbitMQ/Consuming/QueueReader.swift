import CRabbitMQ
import Foundation
import MartletCore

/// One function's reader of one queue, on the consuming connection's thread: a channel and its deliveries.
///
/// Its checks for exclusive access are off, for the reason that `ConnectionLoop` gives.
final class QueueReader {
  enum State: Equatable {
    /// No connection.
    case away
    /// The queue is being declared.
    case preparing
    /// After trouble, until `restsUntil`.
    case resting
    /// `channel.open` and `basic.consume` are under way.
    case opening
    case open
    /// `channel.close` is under way; then a new life, or the end.
    case leaving
    case ended
  }

  let consumer: RabbitMQConsumer
  let subscription: QueueSubscription
  let handler: any DeliveryHandler
  unowned let hub: ConsumerHub
  @exclusivity(unchecked) private(set) var state = State.away
  /// Beside the state, which is looked at for each frame: an instant's layout is not known when this is compiled.
  private(set) var restsUntil = ContinuousClock.now
  private var backoff = Backoff(first: .milliseconds(100), longest: .seconds(5))
  private var firstAnswer: (@Sendable () -> Void)?
  private var lastProblem: String?
  @exclusivity(unchecked) var channel: UInt16 = 0
  var intake: Intake
  /// The tag of the first delivery that the subscription may bring.
  private var subscriptionTag: UInt64 = 1
  /// Where no delivery comes with this tag, and nothing is acknowledged, the queue pauses from this time on.
  var quiet = (tag: UInt64(0), at: ContinuousClock.now)
  static let pause = Duration.milliseconds(20)
  @exclusivity(unchecked) var acks = AckWindow()
  /// When the last acknowledgement was written.
  var lastAck: ContinuousClock.Instant?
  /// `maxMessageBytes`.
  let maxBytes: Int
  /// A channel keeps acknowledgements back while its quorum queue has more than 32 commands to write to disk, and forgets
  /// them when it is closed: so long it is left open after the last one.
  static let ackSettlingTime = Duration.milliseconds(250)
  /// Groups whose acknowledgements wait for the socket.
  @exclusivity(unchecked) var answers = FIFO<SettledBatch>()
  @exclusivity(unchecked) var decoder = MessageDecoder()
  @exclusivity(unchecked) var incoming = IncomingMessage()
  /// The message of `incoming`, once its header is there. Beside it, so that none is copied on the way.
  @exclusivity(unchecked) var received = ReceivedMessage()
  /// Came, but not handed out.
  @exclusivity(unchecked) var held: [Delivery] = []
  /// Handed out and not settled.
  @exclusivity(unchecked) var handed = 0
  /// Messages that this reader is sending elsewhere by itself.
  var moving = 0
  /// Those that could not be published, by delivery tag, until the next try.
  var stuck: [UInt64: StuckMove] = [:]
  var reportedMove: BrokerError.Code?
  /// The delivery tag of the unsettled suspect.
  @exclusivity(unchecked) var suspectTag: UInt64?
  var closing: (deadline: ContinuousClock.Instant, answers: [@Sendable () -> Void])?

  init(
    _ consumer: RabbitMQConsumer, _ subscription: QueueSubscription, _ handler: any DeliveryHandler, hub: ConsumerHub,
    firstAnswer: @escaping @Sendable () -> Void
  ) {
    (self.consumer, self.subscription, self.handler, self.hub) = (consumer, subscription, handler, hub)
    self.firstAnswer = firstAnswer
    maxBytes = hub.environment.maxMessageBytes
    intake = Intake(wanted: subscription.prefetch)
  }

  var isReading: Bool { state == .open }
  var logger: Logger {
    hub.environment.logger.with(LogField("function", subscription.function), LogField("queue", consumer.queue))
  }

  /// The connection is up, or not: then the first attempt has its answer all the same.
  func begin(isConnected: Bool) {
    guard isConnected else { return answerFirst() }
    state = .preparing
    let (queue, id, mailbox) = (subscription.queue, consumer.id, hub.mailbox)
    hub.topology.perform(
      forMessages: true, { channel throws(BrokerError) in try channel.prepare(queue) },
      completion: { result in
        switch result {
        case .success: mailbox.send(.role(.prepared(id, nil)))
        case .failure(let error): mailbox.send(.role(.prepared(id, error)))
        }
      })
  }

  func prepared(_ error: BrokerError?, _ wire: Wire?, _ now: ContinuousClock.Instant) {
    guard state == .preparing else { return }
    if let error { return rest(error, now) }
    guard let wire else {
      state = .away
      return
    }
    guard let channel = hub.channels.take(for: self, limit: wire.channelMax) else {
      return rest(
        BrokerError(
          .exhausted, "RabbitMQ allows only \(wire.channelMax) channels on a connection, one for each function",
          isRetriable: true), now)
    }
    self.channel = channel
    state = .opening
    wire.output.method(amqp_channel_open_t(), channel: channel)
    steer(wire)
  }

  /// Takes the next step towards the wanted prefetch.
  func steer(_ wire: Wire, isQuiet: Bool = false) {
    guard state == .opening || state == .open else { return }
    let scratch = wire.output.scratch
    defer { scratch.clear() }
    // A suspect counts for no subscription.
    let others = suspectTag == nil ? 0 : 1
    let next = intake.next(
      unsettled: acks.open, isQuiet: isQuiet, unacknowledged: acks.unacknowledged(from: subscriptionTag) - others)
    switch next {
    case .none: break
    case .subscribe(let prefetch, let number):
      subscriptionTag = acks.nextTag
      wire.output.method(
        amqp_basic_qos_t(prefetch_size: 0, prefetch_count: UInt16(prefetch), global: 0), channel: channel)
      wire.output.method(
        amqp_basic_consume_t(
          ticket: 0, queue: scratch.bytes(consumer.queue), consumer_tag: scratch.bytes(tag(number)), no_local: 0,
          no_ack: 0, exclusive: 0, nowait: 0, arguments: amqp_table_t()), channel: channel)
    case .cancel(let number):
      wire.output.method(
        amqp_basic_cancel_t(consumer_tag: scratch.bytes(tag(number)), nowait: 0), channel: channel)
    }
  }

  /// As operators see it in the list of consumers.
  private func tag(_ number: Int) -> String {
    String(decoding: "\(subscription.function).\(number)@\(hub.environment.instance)".utf8.prefix(255), as: UTF8.self)
  }

  func opened() {
    guard state == .opening else { return }
    state = .open
    backoff.reset()
    if lastProblem != nil {
      lastProblem = nil
      logger.information("the queue can be read again")
      handler.report(problem: nil)
    }
    answerFirst()
  }

  func setPrefetch(_ count: Int, _ wire: Wire?) {
    guard closing == nil else { return }
    intake.wanted = count
    if let wire { steer(wire) }
  }

  /// The life of the channel is over: what it delivered comes back, here or elsewhere.
  func endChannel() {
    acks.removeAll { $0.lost() }
    while let batch = answers.popFirst() { batch.lost() }
    intake.reset()
    (incoming, received, held) = (IncomingMessage(), ReceivedMessage(), [])
    (handed, moving) = (0, 0)
    (stuck, reportedMove) = ([:], nil)
    // Also where one was asked for and had not come yet.
    hub.suspectEnded(self)
    suspectTag = nil
    consumer.beginGeneration()
    consumer.unsettled = 0
    if closing == nil { handler.revoke(generationsBefore: consumer.generation) }
  }

  /// The connection is gone.
  func disconnected() {
    if state == .opening || state == .open || state == .leaving { endChannel() }
    channel = 0
    if closing != nil { return end() }
    if state != .ended { state = .away }
    answerFirst()
  }

  /// The broker closed the channel.
  func channelClosed(_ error: BrokerError, _ wire: Wire, _ now: ContinuousClock.Instant) {
    wire.output.method(amqp_channel_close_ok_t(), channel: channel)
    endChannel()
    hub.channels.give(channel)
    if closing != nil { return end() }
    rest(error, now)
  }

  /// Closes the channel from this side; a new life follows unless the reader is closing.
  func leave(_ wire: Wire) {
    state = .leaving
    wire.output.method(
      amqp_channel_close_t(reply_code: 200, reply_text: amqp_bytes_t(), class_id: 0, method_id: 0), channel: channel)
  }

  func left(_ now: ContinuousClock.Instant) {
    hub.channels.give(channel)
    guard state == .leaving else { return }
    endChannel()
    if closing != nil { end() } else { rest(now) }
  }

  /// Trouble: said once, tried again.
  func rest(_ error: BrokerError, _ now: ContinuousClock.Instant) {
    rest(now)
    if lastProblem != error.description {
      lastProblem = error.description
      logger.warning("the queue cannot be read for now: \(error.message); retrying")
      handler.report(problem: error)
    }
    answerFirst()
  }

  private func rest(_ now: ContinuousClock.Instant) {
    state = .resting
    restsUntil = now + backoff.next()
  }

  private func answerFirst() {
    firstAnswer?()
    firstAnswer = nil
  }

  /// The end: everybody who waits is answered.
  func end() {
    guard state != .ended else { return }
    if state == .opening || state == .open || state == .leaving { endChannel() }
    state = .ended
    answerFirst()
    for answer in closing?.answers ?? [] { answer() }
    closing = nil
    hub.remove(self)
  }
}
