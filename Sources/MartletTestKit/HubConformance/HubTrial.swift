import Martlet

/// One run of one case: its names and its brokers; it takes all of them away at the end.
final class HubTrial: Sendable {
  typealias Brokers = HubConformance.Brokers

  private struct Opened: Sendable {
    var brokers: [Brokers] = []
    var hubs: Set<String> = []
    var groups: Set<ConsumerGroup> = []
    var queues: Set<String> = []
    var proxies: [TCPProxy] = []
  }

  let suite: HubConformance
  /// Unique for this run.
  let id = "conformance-" + MessageIdentifier.random().prefix(12)
  private let opened = Locked(Opened())

  init(of suite: HubConformance) { self.suite = suite }

  var features: HubConformance.Features { suite.features }
  var deadline: ContinuousClock.Instant { .now + suite.patience }

  /// A hub name that nobody else has.
  func hub(_ name: String = "hub") -> String {
    let hub = "\(id).\(name)"
    opened.withLock { _ = $0.hubs.insert(hub) }
    return hub
  }

  /// A consumer group that nobody else has.
  func group(_ name: String = "group", of hub: String) -> ConsumerGroup {
    let group = ConsumerGroup(hub: hub, name: name)
    opened.withLock { _ = $0.groups.insert(group) }
    return group
  }

  /// A queue name that nobody else has.
  func queue(_ name: String = "queue") -> String {
    let queue = "\(id).\(name)"
    opened.withLock { _ = $0.queues.insert(queue) }
    return queue
  }

  /// A started log and store.
  func brokers(
    _ role: String = "main", at url: String? = nil, change: (inout BrokerEnvironment) -> Void = { _ in }
  ) async throws -> Brokers {
    var environment = BrokerEnvironment(app: "\(id)-\(role)", logger: suite.logger.with(LogField("broker", role)))
    change(&environment)
    let brokers = try suite.openBrokers(url ?? suite.url, environment)
    opened.withLock { $0.brokers.append(brokers) }
    try await brokers.start(deadline: deadline)
    return brokers
  }

  /// Brokers to look at what others did: other objects where they are shared, the same otherwise.
  func observers(of brokers: Brokers) async throws -> Brokers {
    features.isShared ? try await self.brokers("observer") : brokers
  }

  /// A proxy before the log, and the log's URL through it.
  func proxy() throws -> (proxy: TCPProxy, url: String) {
    let target = try URLAuthority(of: suite.url)
    let proxy = try TCPProxy(to: target.host, port: target.port)
    opened.withLock { $0.proxies.append(proxy) }
    return (proxy, target.replaced(host: "127.0.0.1", port: proxy.port))
  }

  /// Begins to read a partition.
  /// - Parameter grant: what is granted at once.
  func reader(
    _ brokers: Brokers, of hub: String, partition: Int = 0, after position: PartitionPosition = PartitionPosition(),
    grant: Int = 0
  ) async throws -> EventReceiver {
    let receiver = EventReceiver(patience: suite.patience, isDense: features.hasDenseSequence)
    let partition = HubPartition(hub: hub, number: partition)
    receiver.attach(
      try await brokers.log.read(partition, after: position, function: "conformance", handler: receiver))
    if grant > 0 { receiver.grant(grant) }
    return receiver
  }

  /// Reads a queue.
  func queueReceiver(_ broker: any Broker, of queue: String, prefetch: Int) async throws -> Receiver {
    let receiver = Receiver(patience: suite.patience)
    let subscription = QueueSubscription(
      queue: QueueDeclaration(name: queue), function: "conformance", prefetch: prefetch)
    receiver.attach(try await broker.consume(subscription, handler: receiver))
    return receiver
  }

  /// Waits until a question to a broker has the right answer.
  func eventually(
    _ expectation: String, within limit: Duration? = nil, _ isTrue: () async throws -> Bool
  ) async throws {
    try await MartletTestKit.eventually(expectation, within: limit ?? suite.patience, isTrue)
  }

  /// Lets time pass, where it is time itself that a case is about.
  func pass(_ time: Duration) async { try? await Task.sleep(for: time) }

  /// Ends what the case began: closes its brokers, deletes its hubs and queues.
  func end() async {
    let opened = opened.withLock { $0 }
    for proxy in opened.proxies { proxy.set(.forward) }
    let cleaner = features.isShared ? try? await brokers("cleaner") : opened.brokers.first
    for brokers in opened.brokers where features.isShared { await brokers.close(deadline: .now + .seconds(5)) }
    if let cleaner {
      for hub in opened.hubs { try? await cleaner.log.delete(hub: hub) }
      for queue in opened.queues {
        try? await cleaner.log.delete(queue: queue)
        if !cleaner.isOne { try? await cleaner.store.delete(queue: queue) }
      }
      for group in opened.groups { try? await cleaner.store.delete(queue: group.description) }
      await cleaner.close(deadline: .now + .seconds(5))
    }
    for proxy in opened.proxies { proxy.close() }
  }
}
