import MartletCore

/// What is known of the hubs that are published to: how many partitions each has. On the broker's thread.
///
/// A hub that nobody declared is made on first use. What is known is asked again now and then, because somebody may
/// have deleted the hub and made another.
final class HubCatalog {
  /// Where messages go.
  struct Placement {
    /// The partition of each message that goes to a hub; empty if none does.
    var partitions: [Int] = []
    /// Those that cannot go, by their places.
    var refused: [Int: BrokerError] = [:]
  }

  private enum State {
    case asking
    case known(HubDescription, PartitionChoice, since: ContinuousClock.Instant)
    case failed(BrokerError, since: ContinuousClock.Instant)
  }

  private unowned let loop: RedisLoop
  private var states: [String: State] = [:]
  /// How hubs are to be made.
  private var noted: [String: HubDeclaration] = [:]
  private var refreshing: Set<String> = []
  /// How long an answer is believed, and how long a refusal.
  private static let freshness = Duration.seconds(2)
  private static let refusal = Duration.seconds(1)

  init(loop: RedisLoop) { self.loop = loop }

  /// Where messages go; nil while a hub among them is being asked for. The loop turns when its answer is there.
  func place(_ messages: [OutgoingMessage]) -> Placement? {
    guard messages.contains(where: { $0.address.kind == .hub }) else { return Placement() }
    let now = ContinuousClock.now
    var isComplete = true
    for message in messages where message.address.kind == .hub {
      switch states[message.address.name] {
      case nil:
        states[message.address.name] = .asking
        ask(message.address.name)
        isComplete = false
      case .asking: isComplete = false
      case .known(_, _, let since): if now >= since + Self.freshness { refresh(message.address.name) }
      case .failed(_, let since):
        if now >= since + Self.refusal {
          states[message.address.name] = .asking
          ask(message.address.name)
          isComplete = false
        }
      }
    }
    guard isComplete else { return nil }
    var placement = Placement(partitions: Array(repeating: -1, count: messages.count))
    for (index, message) in messages.enumerated() where message.address.kind == .hub {
      do throws(BrokerError) {
        placement.partitions[index] = try partition(for: message)
      } catch {
        placement.refused[index] = error
      }
    }
    return placement
  }

  private func partition(for message: OutgoingMessage) throws(BrokerError) -> Int {
    if message.deliverAt != nil {
      throw BrokerError(
        .configuration, "\(message.address) keeps the order of its events; none can be delivered later (deliverAt)",
        isRetriable: false)
    }
    switch states[message.address.name] {
    case .known(let hub, var choice, let since):
      if !noted.isEmpty, let wanted = noted[hub.name]?.partitionCount, wanted != hub.partitionCount {
        throw .otherCount(of: hub, wanted)
      }
      let partition = try choice.partition(for: message)
      if message.partition == nil, message.key == nil { states[hub.name] = .known(hub, choice, since: since) }
      return partition
    case .failed(let error, _): throw error
    case .asking, nil: preconditionFailure("a message is placed before its hub is known")
    }
  }

  func note(_ hub: HubDeclaration) { noted[hub.name] = hub }

  func learn(_ hub: HubDescription) {
    var choice = PartitionChoice(partitionCount: hub.partitionCount)
    // The round goes on, and begins anywhere: many short-lived publishers would fill the first partition alone.
    if case .known(let last, let current, _) = states[hub.name], last.partitionCount == hub.partitionCount {
      choice = current
    } else {
      choice = PartitionChoice(partitionCount: hub.partitionCount, next: Int.random(in: 0..<hub.partitionCount))
    }
    states[hub.name] = .known(hub, choice, since: .now)
  }

  func forget(_ hub: String) {
    if case .known = states[hub] { states[hub] = nil }
  }

  private func refresh(_ hub: String) {
    guard refreshing.insert(hub).inserted else { return }
    ask(hub)
  }

  /// Asks for a hub, and makes it where it is missing: as it was, if it was known.
  private func ask(_ hub: String) {
    var declaration = noted[hub] ?? HubDeclaration(name: hub)
    if case .known(let description, _, _) = states[hub] {
      declaration.partitionCount = description.partitionCount
      declaration.retention = description.retention
    }
    let call = RedisCall.declare(declaration, asking: nil, retention: "new")
    loop.request(
      PendingRequest(
        write: { buffer, scripts in
          call.write(to: &buffer, scripts)
          return 1
        },
        onReply: { [unowned self] reply, loop in
          if let text = reply.error {
            let error = BrokerError(redis: text, at: loop.url)
            if text.hasPrefix("NOSCRIPT") || (error.isRetriable && error.code != .permission) { return .again }
            states[hub] = .failed(error, since: .now)
          } else if let description = HubDescription(hub, declared: reply) {
            if refreshing.contains(hub), reply.nodes.last.flatMap({ reply.integer($0) }) == 1 {
              loop.environment.logger.warning(
                "redis: the hub \(hub) was deleted; it is made again, because events are published to it")
            }
            learn(description)
          }
          refreshing.remove(hub)
          return .done
        },
        onAbandon: {}))
  }
}
