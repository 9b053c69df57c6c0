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

  private let trimming: HubTrimming

  init(loop: RedisLoop) {
    self.loop = loop
    trimming = HubTrimming(loop: loop)
  }

  /// Where messages go; nil while a hub among them is being asked for. The loop turns when its answer is there.
  func place(_ messages: [OutgoingMessage]) -> Placement? {
    guard messages.contains(where: { $0.address.kind == .hub }) else { return Placement() }
    guard areKnown(messages) else { return nil }
    var placement = Placement(partitions: Array(repeating: -1, count: messages.count))
    // Neighbours mostly go to one hub.
    var current: (name: String, choice: Result<PartitionChoice, BrokerError>)?
    var count = 0
    for index in messages.indices where messages[index].address.kind == .hub {
      if current?.name != messages[index].address.name {
        keep(current, published: count)
        let name = messages[index].address.name
        current = (name, choice(of: name))
        count = 0
      }
      count += 1
      do throws(BrokerError) {
        placement.partitions[index] = try Self.partition(for: messages[index], &current)
      } catch {
        placement.refused[index] = error
      }
    }
    keep(current, published: count)
    return placement
  }

  /// Whether every hub among them is known, or known to be impossible. Asks for the others.
  private func areKnown(_ messages: [OutgoingMessage]) -> Bool {
    let now = ContinuousClock.now
    var areKnown = true
    var last: String?
    for index in messages.indices where messages[index].address.kind == .hub && messages[index].address.name != last {
      let name = messages[index].address.name
      last = name
      switch states[name] {
      case nil:
        states[name] = .asking
        ask(name)
        areKnown = false
      case .asking: areKnown = false
      case .known(_, _, let since): if now >= since + Self.freshness { refresh(name) }
      case .failed(_, let since):
        if now >= since + Self.refusal {
          states[name] = .asking
          ask(name)
          areKnown = false
        }
      }
    }
    return areKnown
  }

  private func choice(of hub: String) -> Result<PartitionChoice, BrokerError> {
    switch states[hub] {
    case .known(let description, let choice, _):
      if let wanted = noted[hub]?.partitionCount, wanted != description.partitionCount {
        .failure(.otherCount(of: description, wanted))
      } else {
        .success(choice)
      }
    case .failed(let error, _): .failure(error)
    case .asking, nil: preconditionFailure("a message is placed before its hub is known")
    }
  }

  /// Remembers where the round of a hub is, and how many events go there.
  private func keep(_ current: (name: String, choice: Result<PartitionChoice, BrokerError>)?, published count: Int) {
    guard let current else { return }
    trimming.published(count, to: current.name)
    guard case .success(let choice) = current.choice,
      case .known(let hub, _, let since) = states[current.name]
    else { return }
    states[current.name] = .known(hub, choice, since: since)
  }

  private static func partition(
    for message: OutgoingMessage, _ current: inout (name: String, choice: Result<PartitionChoice, BrokerError>)?
  ) throws(BrokerError) -> Int {
    if message.deliverAt != nil {
      throw BrokerError(
        .configuration, "\(message.address) keeps the order of its events; none can be delivered later (deliverAt)",
        isRetriable: false)
    }
    guard var choice = try current?.choice.get() else { preconditionFailure("the hub of a message is looked up first") }
    let partition = try choice.partition(for: message)
    if message.partition == nil, message.key == nil { current?.choice = .success(choice) }
    return partition
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
      PendingRequest(call) { [unowned self] reply, loop in
        if let text = reply.error {
          let error = BrokerError(redis: text, at: loop.url)
          if error.isRetriable, error.code != .permission { return .again }
          states[hub] = .failed(error, since: .now)
        } else if let description = HubDescription(hub, declared: reply) {
          if refreshing.contains(hub), reply.nodes.last.flatMap({ reply.integer($0) }) == 1 {
            loop.environment.logger.warning(
              "redis: the hub \(hub) was deleted; it is made again, because events are published to it")
          }
          learn(description)
          trimming.look(after: description)
        }
        refreshing.remove(hub)
        return .done
      })
  }
}
