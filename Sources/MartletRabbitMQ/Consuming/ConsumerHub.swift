import MartletCore

/// The consuming connection: the readers of all queues, each on a channel of its own, and the turn of the suspects.
///
/// Its checks for exclusive access are off, for the reason that `ConnectionLoop` gives.
final class ConsumerHub: ConnectionRole {
  enum Command: Sendable {
    case open(RabbitMQConsumer, QueueSubscription, any DeliveryHandler, firstAnswer: @Sendable () -> Void)
    /// The topology has an answer for the queue of a reader.
    case prepared(Int, BrokerError?)
    case prefetch(Int, Int)
    /// Outputs are durable: acknowledge.
    case settle(Int, CommitGroup, [Int: BrokerError], @Sendable (CommitResult) -> Void)
    /// A message that the reader sent elsewhere by itself has arrived there.
    case moved(Int, tag: UInt64, Move, generation: UInt32, PublishRequest.Outcome)
    /// How many suspects wait, by reader.
    case suspects([Int: Int])
    case close(Int, deadline: ContinuousClock.Instant, answer: @Sendable () -> Void)
  }

  let environment: BrokerEnvironment
  let topology: Topology
  let publisher: Mailbox<LoopCommand<Publisher.Command>>
  let mailbox: Mailbox<LoopCommand<Command>>
  @exclusivity(unchecked) private var readers: [Int: QueueReader] = [:]
  @exclusivity(unchecked) var channels = ChannelTable<QueueReader>()
  private var suspects = SuspectTurn()
  private var isClosing = false

  init(
    environment: BrokerEnvironment, topology: Topology, publisher: Mailbox<LoopCommand<Publisher.Command>>,
    mailbox: Mailbox<LoopCommand<Command>>
  ) {
    (self.environment, self.topology, self.publisher, self.mailbox) = (environment, topology, publisher, mailbox)
  }

  func handle(_ command: Command, wire: Wire?, now: ContinuousClock.Instant) {
    switch command {
    case .open(let consumer, let subscription, let handler, let firstAnswer):
      let reader = QueueReader(consumer, subscription, handler, hub: self, firstAnswer: firstAnswer)
      guard !isClosing else { return reader.end() }
      readers[consumer.id] = reader
      reader.begin(isConnected: wire != nil)
    case .prepared(let id, let error): readers[id]?.prepared(error, wire, now)
    case .prefetch(let id, let count): readers[id]?.setPrefetch(count, wire)
    case .settle(let id, let group, let errors, let completion):
      guard let reader = readers[id] else { return completion(.ownershipLost) }
      reader.settle(group, errors, completion)
    case .moved(let id, let tag, let move, let generation, let outcome):
      readers[id]?.moved(tag, move, generation, outcome)
      if let reader = readers[id], reader.isReading { suspects.mayHave(id) }
    case .suspects(let counts): suspects.counted(counts, now: now)
    case .close(let id, let deadline, let answer):
      guard let reader = readers[id] else { return answer() }
      reader.close(deadline: deadline, answer: answer, wire)
    }
  }

  func opened(_ wire: Wire, now: ContinuousClock.Instant) {
    for reader in readers.values { reader.begin(isConnected: true) }
  }

  func receive(_ frame: Frame, wire: Wire, now: ContinuousClock.Instant) throws(BrokerError) {
    try channels[frame.channel]?.receive(frame, wire, now)
  }

  func finishTurn(wire: Wire?, now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
    var next: ContinuousClock.Instant?
    for reader in readers.values {
      if let due = reader.finishTurn(wire, now) { next = min(next ?? due, due) }
    }
    if let wire, let due = turnToSuspects(wire, now) { next = min(next ?? due, due) }
    return next
  }

  /// A small part of the time that what is in hand takes. Where that is little, somebody may wait for each delivery; and
  /// a queue that has little does not wait long for those that have much.
  var pauseOfReading: Duration {
    let open = readers.values.lazy.filter(\.isReading).map(\.acks.open)
    guard let most = open.max(), most >= 64 else { return .zero }
    return .microseconds(min(4 * most, open.contains { $0 < 64 } ? 1000 : 4000))
  }

  func wrote(_ wire: Wire) {
    for reader in readers.values { reader.wrote(wire) }
  }

  func lost(_ error: BrokerError, now: ContinuousClock.Instant) {
    for reader in readers.values { reader.disconnected() }
    channels = ChannelTable()
    suspects = SuspectTurn()
  }

  func close(deadline: ContinuousClock.Instant, now: ContinuousClock.Instant) {
    isClosing = true
    for reader in readers.values { reader.close(deadline: deadline, answer: {}, nil) }
  }

  var isDrained: Bool { readers.isEmpty }

  func abandon() {
    for reader in readers.values { reader.end() }
    readers = [:]
  }

  /// A reader has ended.
  func remove(_ reader: QueueReader) {
    readers[reader.consumer.id] = nil
    suspects.forget(reader.consumer.id)
  }
}

/// One suspect at a time, whichever queue it comes from.
extension ConsumerHub {
  private func turnToSuspects(_ wire: Wire, _ now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
    let open = readers.values.filter(\.canTakeSuspect)
    switch suspects.next(now: now, open: open.map(\.consumer.id)) {
    case .wait(let until): return until
    case .count(let ids):
      let names = ids.compactMap { id in readers[id].map { (id, QueueLayout.suspects(of: $0.consumer.queue)) } }
      topology.perform(
        { channel throws(BrokerError) in
          var counts: [Int: Int] = [:]
          for (id, name) in names { counts[id] = try channel.count(name) ?? 0 }
          return counts
        },
        completion: { [mailbox] result in
          mailbox.send(.role(.suspects((try? result.get()) ?? [:])))
        })
      return nil
    case .get(let id):
      readers[id]?.askForSuspect(wire)
      return nil
    }
  }

  /// What a reader was told about the suspect that it asked for.
  func suspectCame() { suspects.came() }
  func noSuspectCame(now: ContinuousClock.Instant) { suspects.cameNot(now: now) }
  /// The suspect of a reader is settled, or its channel ended.
  func suspectEnded(_ reader: QueueReader) { suspects.ended(reader.consumer.id) }
}
