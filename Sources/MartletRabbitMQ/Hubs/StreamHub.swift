import MartletCore

/// The connection that reads partitions, each on a channel of its own. Apart from the queues: a stream delivers as fast
/// as it is acknowledged, and must not keep deliveries of queues waiting.
///
/// Its checks for exclusive access are off, for the reason that `ConnectionLoop` gives.
final class StreamHub: ConnectionRole {
  enum Command: Sendable {
    case open(
      Int, HubPartition, PartitionPosition, function: String, any EventHandler, firstAnswer: @Sendable () -> Void)
    case grant(Int, Int)
    /// The topology has looked for the end of a stream that does not deliver: the newest event, nil where there is none.
    case looked(Int, life: Int, Result<TopologyChannel.StreamEntry?, BrokerError>)
    /// The topology has found the newest event of a stream.
    case foundTail(Int, TopologyChannel.StreamEntry)
    /// The topology has looked for the hub of a stream that is missing: its partition count, nil where it is gone.
    case lookedForHub(Int, Result<Int?, BrokerError>)
    case close(Int, answer: @Sendable () -> Void)
  }

  let environment: BrokerEnvironment
  let topology: Topology
  let mailbox: Mailbox<LoopCommand<Command>>
  @exclusivity(unchecked) private var readers: [Int: StreamReader] = [:]
  @exclusivity(unchecked) var channels = ChannelTable<StreamReader>()
  private var isClosing = false

  init(environment: BrokerEnvironment, topology: Topology, mailbox: Mailbox<LoopCommand<Command>>) {
    (self.environment, self.topology, self.mailbox) = (environment, topology, mailbox)
  }

  func handle(_ command: Command, wire: Wire?, now: ContinuousClock.Instant) {
    switch command {
    case .open(let id, let partition, let position, let function, let handler, let firstAnswer):
      guard !isClosing else { return firstAnswer() }
      let reader = StreamReader(id, partition, position, function, handler, hub: self, firstAnswer: firstAnswer)
      readers[id] = reader
      if let wire { reader.begin(wire, now) } else { reader.answerFirst() }
    case .grant(let id, let count): readers[id]?.grant(count, wire, now)
    case .looked(let id, let life, let result): readers[id]?.looked(life, result, wire, now)
    case .foundTail(let id, let newest): readers[id]?.foundTail(newest)
    case .lookedForHub(let id, let result): readers[id]?.lookedForHub(result, now)
    case .close(let id, let answer):
      guard let reader = readers[id] else { return answer() }
      reader.close(answer, wire)
    }
  }

  func opened(_ wire: Wire, now: ContinuousClock.Instant) {
    for reader in readers.values { reader.begin(wire, now) }
  }

  func receive(_ frame: Frame, wire: Wire, now: ContinuousClock.Instant) throws(BrokerError) {
    try channels[frame.channel]?.receive(frame, wire, now)
  }

  func finishTurn(wire: Wire?, now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
    var next: ContinuousClock.Instant?
    for reader in readers.values {
      if let due = reader.finishTurn(wire, now) { next = min(next ?? due, due) }
    }
    return next
  }

  /// The runtime does not say how much it has to do; what the last turn brought will keep it busy for a moment.
  var pauseOfReading: Duration { .milliseconds(1) }

  func wrote(_ wire: Wire) {}

  func lost(_ error: BrokerError, now: ContinuousClock.Instant) {
    for reader in readers.values { reader.disconnected() }
    channels = ChannelTable()
  }

  func close(deadline: ContinuousClock.Instant, now: ContinuousClock.Instant) {
    isClosing = true
    abandon()
  }

  var isDrained: Bool { readers.isEmpty }

  func abandon() {
    for reader in readers.values { reader.end() }
    readers = [:]
  }

  /// A reader has ended.
  func remove(_ id: Int) { readers[id] = nil }
}
