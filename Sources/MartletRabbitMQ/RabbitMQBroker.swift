public import MartletCore
import Synchronization

/// RabbitMQ 3.10 or later over AMQP 0-9-1, without plugins. The page *WireLayoutRabbitMQ* of the documentation says what
/// it puts on the broker.
///
/// Two connections work for it, one that publishes and one that consumes, each on a thread of its own; a third answers
/// questions and rests in between. Outputs are confirmed by the broker before inputs are acknowledged: at least once.
/// A connection that ends right after `applied` was answered may take the acknowledgement with it; then the message
/// comes again, with outputs of the same ids.
public final class RabbitMQBroker: Broker {
  private let url: ConnectionURL
  let environment: BrokerEnvironment
  let topology: Topology
  private let health: ConnectionHealth
  let publisher = Mailbox<LoopCommand<Publisher.Command>>()
  private let consumers = Mailbox<LoopCommand<ConsumerHub.Command>>()
  let streams = Mailbox<LoopCommand<StreamHub.Command>>()
  private let state = Locked(State())
  /// Groups of which it was said that they cannot be bound to their store.
  let warnings = Locked<Set<ConsumerGroup>>([])

  private struct State {
    var isStarted = false
    var readsStreams = false
    var isClosed = false
    var nextID = 1
    var consumers: [Int: RabbitMQConsumer] = [:]
  }

  /// Makes a broker; nothing is connected before the first use.
  /// - Parameters:
  ///   - url: `amqp://user:password@host:port/vhost`. Left out are: user and password (`guest`), port (5672), virtual
  ///     host (`/`).
  ///   - environment: the app, its logger and its limits.
  /// - Throws: `configuration` for a URL that cannot be used; it does not hold the password.
  public init(url: String, environment: BrokerEnvironment) throws(BrokerError) {
    let url = try ConnectionURL(url)
    self.url = url
    self.environment = environment
    topology = Topology(url: url, identity: Self.identity("topology", environment))
    health = ConnectionHealth(logger: environment.logger, url: url)
  }

  public var system: String { "rabbitmq" }

  /// RabbitMQ's `consumer_timeout`.
  public var settlementTimeout: Duration? { environment.consumerTimeout }

  public func commitDomain(for address: Address) -> CommitDomain { CommitDomain("amqp://\(url)") }

  public func start(deadline: ContinuousClock.Instant) async throws(BrokerError) {
    run()
    let errors = await withTaskGroup(of: BrokerError?.self) { group in
      let (publisher, consumers) = (publisher, consumers)
      group.addTask { await Self.opened(publisher, deadline) }
      group.addTask { await Self.opened(consumers, deadline) }
      return await group.reduce(into: [BrokerError]()) { if let error = $1 { $0.append(error) } }
    }
    if let error = errors.first(where: { !$0.isRetriable }) ?? errors.first { throw error }
  }

  private static func opened<Command>(_ mailbox: Mailbox<LoopCommand<Command>>, _ deadline: ContinuousClock.Instant)
    async -> BrokerError?
  {
    await withCheckedContinuation { continuation in
      let isTaken = mailbox.send(.whenOpen(deadline: deadline) { continuation.resume(returning: $0) })
      if !isTaken { continuation.resume(returning: .closedBroker) }
    }
  }

  public func declare(_ queue: QueueDeclaration) async throws(BrokerError) {
    try check(queue.name)
    run()
    topology.note(queue)
    try await topology.perform(forMessages: true) { channel throws(BrokerError) in try channel.prepare(queue) }
  }

  public func consume(_ subscription: QueueSubscription, handler: any DeliveryHandler) async throws(BrokerError)
    -> any QueueConsumer
  {
    try check(subscription.queue.name)
    run()
    topology.note(subscription.queue)
    let (publisher, consumers) = (publisher, consumers)
    let consumer = state.withLock { state in
      let consumer = RabbitMQConsumer(
        id: state.nextID, queue: subscription.queue.name, publisher: publisher, consumers: consumers)
      state.consumers[state.nextID] = consumer
      state.nextID += 1
      return consumer
    }
    if subscription.queue.mode == .never {
      environment.logger.information(
        "queue '\(consumer.queue)' is not declared by Martlet; if it is not a durable quorum queue, a broker restart can "
          + "lose its messages or bring settled ones back")
    }
    let isTaken = await withCheckedContinuation { continuation in
      let isTaken = consumers.send(
        .role(.open(consumer, subscription, handler) { continuation.resume(returning: true) }))
      if !isTaken { continuation.resume(returning: false) }
    }
    guard isTaken else { throw .closedBroker }
    return consumer
  }

  public func publish(_ messages: [OutgoingMessage], completion: @escaping @Sendable (CommitResult) -> Void) {
    run()
    let group = CommitGroup(publishing: messages)
    let request = PublishRequest(outputs: group.outputs, entries: group.entries) { outcome in
      switch outcome {
      case .published(let refused): completion(refused.isEmpty ? .applied : .refused(refused))
      case .void: completion(.ownershipLost)
      }
    }
    if !publisher.send(.role(.publish(request))) { completion(.ownershipLost) }
  }

  public func close(deadline: ContinuousClock.Instant) async {
    let wasStarted = state.withLock { state in
      defer { state.isClosed = true }
      return state.isStarted
    }
    guard wasStarted else {
      _ = (publisher.close(), consumers.close(), streams.close())
      topology.abandon()
      return
    }
    if state.withLock({ $0.readsStreams }) { await end(streams, deadline) } else { _ = streams.close() }
    // Consumers first: what they hold back they send to the publisher.
    await end(consumers, deadline)
    await end(publisher, deadline)
    topology.close()
  }

  private func end<Command>(_ mailbox: Mailbox<LoopCommand<Command>>, _ deadline: ContinuousClock.Instant) async {
    await Latch.wait(until: deadline) { done in
      if !mailbox.send(.close(deadline: deadline, answer: done)) { done() }
    }
  }

  /// Deliveries of a queue that are with this broker's own consumers.
  func unsettled(of queue: String) -> Int {
    state.withLock { state in
      state.consumers.values.reduce(0) { $0 + ($1.queue == queue ? $1.unsettled : 0) }
    }
  }

  func check(_ name: String) throws(BrokerError) {
    guard name.isEmpty || name.utf8.count > QueueLayout.longestName else { return }
    throw BrokerError(
      .configuration, "the queue name '\(name)' is empty or longer than \(QueueLayout.longestName) bytes",
      isRetriable: false)
  }

  private static func identity(_ role: String, _ environment: BrokerEnvironment) -> ClientIdentity {
    // A silent client is given up after two to three heartbeats.
    let seconds = max(2, min(60, Int(environment.lease.components.seconds) / 2))
    return ClientIdentity(
      connectionName: "\(environment.app) \(role) \(environment.instance)", heartbeat: .seconds(seconds))
  }

  func nextReader() -> Int {
    state.withLock { state in
      defer { state.nextID += 1 }
      return state.nextID
    }
  }

  /// Starts the connection that reads hubs, with the first of them.
  func runStreams() {
    let isFirst = state.withLock { state in
      if state.readsStreams || state.isClosed { return false }
      state.readsStreams = true
      return true
    }
    guard isFirst else { return }
    let (url, environment, topology, health, streams) = (url, environment, topology, health, streams)
    NamedThread.start("rabbitmq-hub", stackBytes: ConnectionStack.bytes) {
      ConnectionLoop(
        name: "streams", url: url, identity: Self.identity("hub reader", environment), mailbox: streams,
        health: health, role: StreamHub(environment: environment, topology: topology, mailbox: streams)
      ).run()
    }.detach()
  }

  /// Starts the threads, once.
  func run() {
    let isFirst = state.withLock { state in
      if state.isStarted || state.isClosed { return false }
      state.isStarted = true
      return true
    }
    guard isFirst else { return }
    let (url, environment, topology, health) = (url, environment, topology, health)
    let (publisher, consumers) = (publisher, consumers)
    topology.start()
    topology.prepareLadder()
    NamedThread.start("rabbitmq-pub", stackBytes: ConnectionStack.bytes) {
      ConnectionLoop(
        name: "publisher", url: url, identity: Self.identity("publisher", environment), mailbox: publisher,
        health: health, role: Publisher(environment: environment, topology: topology, mailbox: publisher)
      ).run()
    }.detach()
    NamedThread.start("rabbitmq-sub", stackBytes: ConnectionStack.bytes) {
      ConnectionLoop(
        name: "consumer", url: url, identity: Self.identity("consumer", environment), mailbox: consumers,
        health: health,
        role: ConsumerHub(environment: environment, topology: topology, publisher: publisher, mailbox: consumers)
      ).run()
    }.detach()
  }
}
