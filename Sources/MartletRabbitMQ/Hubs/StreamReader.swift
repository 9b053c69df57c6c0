import CRabbitMQ
import Foundation
import MartletCore

/// One function's reader of one stream, on the thread of the streams' connection.
///
/// It begins at the event of its position, not behind it: that it is still there and has the same id tells a stream that
/// was trimmed, or deleted and made again. Offsets have holes where segments meet, so they cannot tell that alone.
///
/// Its checks for exclusive access are off, for the reason that `ConnectionLoop` gives.
final class StreamReader {
  enum State: Equatable {
    /// No connection, or nothing was granted yet.
    case away
    /// After trouble, until `restsUntil`.
    case resting
    /// `channel.open` and `basic.consume` are under way.
    case opening
    case open
    /// `channel.close` is under way; then a new life, or the end.
    case leaving
    case ended
  }

  let id: Int
  let partition: HubPartition
  let stream: String
  let handler: any EventHandler
  unowned let hub: StreamHub
  private let function: String
  @exclusivity(unchecked) var state = State.away
  /// Beside the state, which is looked at for each frame: an instant's layout is not known when this is compiled.
  private var restsUntil = ContinuousClock.now
  private var firstAnswer: (@Sendable () -> Void)?
  private var closing: [@Sendable () -> Void]?
  private var backoff = Backoff(first: .milliseconds(200), longest: .seconds(5))
  /// Since when the stream answers that it does not exist.
  private var missingSince: ContinuousClock.Instant?
  private var lastProblem: String?
  private var channel: UInt16 = 0
  /// Channels so far: what was asked for an earlier one is void.
  private(set) var life = 0
  /// The last event that is known to the runtime.
  var last: (offset: UInt64, id: String?, enqueuedAt: Date?)? { didSet { lastOffset = last?.offset } }
  /// Its offset, which each event is held against.
  @exclusivity(unchecked) private(set) var lastOffset: UInt64?
  /// The next delivery is the first of this channel.
  @exclusivity(unchecked) var isFirst = true
  /// An event that does not come, although it must be there, is looked for then.
  var lookAt: ContinuousClock.Instant?
  /// Looks in a row that found the stream to end before the position, and looks that found nothing at all.
  private var looks = (short: 0, empty: 0)
  private(set) var granted = 0
  /// How many deliveries are held or on their way.
  @exclusivity(unchecked) private(set) var window = StreamWindow()
  /// The last delivery that was known already; 0 where it needs no acknowledgement.
  @exclusivity(unchecked) var skipped: UInt64 = 0
  /// When what was handed out is acknowledged at the latest: a broker gives up a channel that owes it one for long.
  private var acknowledgesAt: ContinuousClock.Instant?
  /// When the end of the stream is asked for next, if something came since it was.
  private var asksAt = ContinuousClock.now
  @exclusivity(unchecked) var hasNews = false
  /// A larger window takes another subscription, without a rest.
  private var isGrowing = false
  @exclusivity(unchecked) var held: [Event] = []
  /// Their delivery tags.
  @exclusivity(unchecked) var heldTags: [UInt64] = []
  @exclusivity(unchecked) var decoder = MessageDecoder()
  @exclusivity(unchecked) var incoming = IncomingMessage()
  /// The message of `incoming`, once its header is there.
  @exclusivity(unchecked) var received = ReceivedMessage()

  private static let acknowledgePatience = Duration.seconds(1)
  /// A stream that does not exist for so long is deleted.
  private static let patience = Duration.seconds(30)
  /// The end of a stream is asked for so often: each look keeps the thread of the topology busy for a moment.
  private static let tailInterval = Duration.seconds(30)
  /// An event that is there comes within this time, mostly.
  private static let lookTime = Duration.seconds(3)
  /// So many looks have to agree that it is not there: a node may stall, and a replica may be behind.
  private static let looksToBelieve = 3

  init(
    _ id: Int, _ partition: HubPartition, _ position: PartitionPosition, _ function: String,
    _ handler: any EventHandler, hub: StreamHub, firstAnswer: @escaping @Sendable () -> Void
  ) {
    (self.id, self.partition, self.function, self.handler, self.hub) = (id, partition, function, handler, hub)
    self.firstAnswer = firstAnswer
    last = position.checkpoint.map { ($0.low, position.eventID, position.enqueuedAt) }
    lastOffset = last?.offset
    stream = HubLayout.stream(of: partition)
  }

  private var logger: Logger {
    hub.environment.logger.with(LogField("function", function), LogField("partition", partition.description))
  }

  func answerFirst() {
    firstAnswer?()
    firstAnswer = nil
  }

  /// Opens a channel and subscribes, once something was granted.
  func begin(_ wire: Wire, _ now: ContinuousClock.Instant) {
    answerFirst()
    guard granted > 0, closing == nil, state != .ended else { return }
    guard let channel = hub.channels.take(for: self, limit: wire.channelMax) else {
      return rest(
        BrokerError(
          .exhausted, "RabbitMQ allows only \(wire.channelMax) channels on a connection, one for each partition",
          isRetriable: true), now)
    }
    self.channel = channel
    life += 1
    (state, isFirst, lookAt, looks) = (.opening, true, nil, (0, 0))
    let start: HeaderValue = last.map { .int(Int64(clamping: $0.offset)) } ?? "first"
    let (output, scratch) = (wire.output, wire.output.scratch)
    defer { scratch.clear() }
    output.method(amqp_channel_open_t(), channel: channel)
    output.method(amqp_basic_qos_t(prefetch_size: 0, prefetch_count: window.subscribe(), global: 0), channel: channel)
    output.method(
      amqp_basic_consume_t(
        ticket: 0, queue: scratch.bytes(stream), consumer_tag: scratch.bytes("\(function)@\(hub.environment.instance)"),
        no_local: 0, no_ack: 0, exclusive: 0, nowait: 0,
        arguments: scratch.table([Header(HeaderName.streamOffset, start)])), channel: channel)
  }

  func subscribed(_ now: ContinuousClock.Instant) {
    guard state == .opening else { return }
    state = .open
    missingSince = nil
    backoff.reset()
    if last != nil { lookAt = now + Self.lookTime }
    guard lastProblem != nil else { return }
    lastProblem = nil
    logger.information("the partition can be read again")
    handler.report(problem: nil)
  }

  func grant(_ count: Int, _ wire: Wire?, _ now: ContinuousClock.Instant) {
    granted += count
    window.granted(granted)
    if let wire, state == .away { begin(wire, now) }
  }

  func finishTurn(_ wire: Wire?, _ now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
    if state == .resting {
      guard let wire else { return nil }
      guard restsUntil <= now else { return restsUntil }
      begin(wire, now)
    }
    guard let wire, state == .open, closing == nil else { return nil }
    handOut(wire, now)
    if window.mustGrow, held.isEmpty, !isFirst { return grow(wire) }
    guard state == .open else { return nil }
    var due = acknowledgesAt
    if let lookAt, lookAt > now { due = min(due ?? lookAt, lookAt) } else if lookAt != nil { look() }
    if hasNews, asksAt > now { due = min(due ?? asksAt, asksAt) } else if hasNews { askForTail(now) }
    return due
  }

  /// Hands out what was granted, and asks for more.
  private func handOut(_ wire: Wire, _ now: ContinuousClock.Instant) {
    if let acknowledgesAt, acknowledgesAt <= now { acknowledge(window.acknowledgeRest(), wire) }
    let room = min(held.count, granted)
    let events = held.takeFirst(room)
    let tag = heldTags.takeFirst(room).last ?? skipped
    skipped = 0
    for index in events.indices { window.note(bytes: events[index].message.body.count) }
    guard tag > 0 else { return }
    granted -= room
    if let newest = events.last { last = (newest.offset.low, newest.message.id, newest.message.enqueuedAt) }
    if acknowledgesAt == nil { acknowledgesAt = now + Self.acknowledgePatience }
    if let tag = window.acknowledge(handedOut: tag) { acknowledge(tag, wire) }
    if !events.isEmpty { handler.receive(events, tail: nil) }
  }

  private func acknowledge(_ tag: UInt64?, _ wire: Wire) {
    acknowledgesAt = nil
    guard let tag else { return }
    wire.output.method(amqp_basic_ack_t(delivery_tag: tag, multiple: 1), channel: channel)
  }

  private func grow(_ wire: Wire) -> ContinuousClock.Instant? {
    isGrowing = true
    leave(wire)
    return nil
  }

  /// Nothing comes, though the event of the position should: is the stream shorter than it was?
  private func look() {
    lookAt = nil
    let (stream, id, life, mailbox) = (stream, id, life, hub.mailbox)
    hub.topology.perform(
      as: .look, { channel throws(BrokerError) in try channel.newest(of: stream) },
      completion: { mailbox.send(.role(.looked(id, life: life, $0))) })
  }

  func looked(
    _ life: Int, _ result: Result<TopologyChannel.StreamEntry?, BrokerError>, _ wire: Wire?,
    _ now: ContinuousClock.Instant
  ) {
    guard life == self.life, state == .open, isFirst, let last else { return }
    switch result {
    case .failure, .success(nil):
      // Silence may be an empty stream or a node that does not get round to it: what comes next will tell.
      looks = (0, looks.empty + 1)
      lookAt = now + Self.lookTime * (1 << min(looks.empty, 3))
    case .success(let newest?):
      looks = (newest.offset >= last.offset ? 0 : looks.short + 1, 0)
      if looks.short == Self.looksToBelieve { lose(.recreated, wire) } else { lookAt = now + Self.lookTime }
    }
  }

  /// The broker does not say with an event how many are behind it.
  private func askForTail(_ now: ContinuousClock.Instant) {
    (hasNews, asksAt) = (false, now + Self.tailInterval)
    let (stream, id, mailbox) = (stream, id, hub.mailbox)
    hub.topology.perform(
      as: .look, { channel throws(BrokerError) in try channel.last(of: stream) },
      completion: { if case .success(let newest?) = $0 { mailbox.send(.role(.foundTail(id, newest))) } })
  }

  func foundTail(_ newest: TopologyChannel.StreamEntry) {
    guard state != .ended, closing == nil else { return }
    let tail = PartitionTail(
      sequenceNumber: Int64(clamping: newest.offset), offset: EventOffset(low: newest.offset),
      enqueuedAt: newest.enqueuedAt)
    handler.receive([], tail: tail)
  }

  /// What should come next is not there.
  func lose(_ loss: EventLoss, _ wire: Wire?) {
    handler.receive(loss)
    if let wire { leave(wire) } else { end() }
    closing = closing ?? []
  }

  // MARK: The end of a channel

  private func endChannel() {
    (held, heldTags, incoming, received) = ([], [], IncomingMessage(), ReceivedMessage())
    (lookAt, acknowledgesAt, skipped) = (nil, nil, 0)
  }

  func disconnected() {
    endChannel()
    channel = 0
    if closing != nil { return end() }
    if state != .ended { state = .away }
    isGrowing = false
    answerFirst()
  }

  /// The broker closed the channel.
  func channelClosed(_ error: BrokerError, _ wire: Wire, _ now: ContinuousClock.Instant) {
    wire.output.method(amqp_channel_close_ok_t(), channel: channel)
    endChannel()
    hub.channels.give(channel)
    if closing != nil { return end() }
    isGrowing = false
    if error.code == .notFound {
      if missingSince == nil { logger.debug("RabbitMQ says that the partition does not exist; its hub is looked for") }
      missingSince = missingSince ?? now
      lookForHub()
    } else {
      missingSince = nil
    }
    rest(error, now)
  }

  /// A node that has just come back says for some seconds that its streams do not exist, but never so of exchanges.
  private func lookForHub() {
    let (name, id, mailbox) = (partition.hub, id, hub.mailbox)
    hub.topology.perform(
      { channel throws(BrokerError) in try channel.partitionCount(ofHub: name) },
      completion: { mailbox.send(.role(.lookedForHub(id, $0))) })
  }

  func lookedForHub(_ result: Result<Int?, BrokerError>, _ now: ContinuousClock.Instant) {
    guard case .success(let count) = result, let missingSince, closing == nil, state == .resting else { return }
    let isThere = count.map { partition.number < $0 } ?? false
    if isThere, missingSince + Self.patience > now { return }
    handler.receive(.deleted)
    end()
  }

  /// Closes the channel from this side; a new life follows unless the reader is closing.
  func leave(_ wire: Wire) {
    guard state == .open || state == .opening else { return }
    state = .leaving
    endChannel()
    wire.output.method(
      amqp_channel_close_t(reply_code: 200, reply_text: amqp_bytes_t(), class_id: 0, method_id: 0), channel: channel)
  }

  func left(_ wire: Wire, _ now: ContinuousClock.Instant) {
    hub.channels.give(channel)
    guard state == .leaving else { return }
    if closing != nil { return end() }
    guard isGrowing else {
      (state, restsUntil) = (.resting, now + backoff.next())
      return
    }
    (isGrowing, state) = (false, .away)
    begin(wire, now)
  }

  /// Trouble: said once, tried again. A stream that is missing for a moment only is none.
  private func rest(_ error: BrokerError, _ now: ContinuousClock.Instant) {
    (state, restsUntil) = (.resting, now + backoff.next())
    if let missingSince, missingSince + .seconds(5) > now { return }
    guard lastProblem != error.description else { return }
    lastProblem = error.description
    logger.warning("the partition cannot be read for now: \(error.message); retrying")
    handler.report(problem: error)
  }

  func close(_ answer: @escaping @Sendable () -> Void, _ wire: Wire?) {
    closing = (closing ?? []) + [answer]
    if let wire, state == .open || state == .opening { leave(wire) } else if state != .leaving { end() }
  }

  func end() {
    guard state != .ended else { return }
    state = .ended
    endChannel()
    answerFirst()
    for answer in closing ?? [] { answer() }
    closing = nil
    hub.remove(id)
  }
}
