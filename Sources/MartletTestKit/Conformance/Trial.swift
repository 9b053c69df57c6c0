import Martlet

/// One run of one case: its names, its brokers, its processes; it takes all of them away at the end.
final class Trial: Sendable {
  let suite: BrokerConformance
  /// Unique for this run.
  let id: String
  private let opened = Locked<(brokers: [any BrokerAdministration], queues: Set<String>, proxies: [TCPProxy])>(
    ([], [], []))
  private let workers = Locked<[WorkerProcess]>([])

  init(of suite: BrokerConformance, name: String) {
    self.suite = suite
    id = "conformance-" + MessageIdentifier.random().prefix(12)
  }

  var features: BrokerConformance.Features { suite.features }
  var deadline: ContinuousClock.Instant { .now + suite.patience }

  /// A queue name that nobody else has.
  func queue(_ name: String = "in") -> String {
    let queue = "\(id).\(name)"
    opened.withLock { _ = $0.queues.insert(queue) }
    return queue
  }

  /// A started broker.
  func broker(
    _ role: String = "main", at url: String? = nil, change: (inout BrokerEnvironment) -> Void = { _ in }
  ) async throws -> any BrokerAdministration {
    let broker = try unstartedBroker(role, at: url, change: change)
    try await broker.start(deadline: deadline)
    return broker
  }

  /// A broker that the case starts itself.
  func unstartedBroker(
    _ role: String = "main", at url: String? = nil, change: (inout BrokerEnvironment) -> Void = { _ in }
  ) throws -> any BrokerAdministration {
    var environment = BrokerEnvironment(
      app: "\(id)-\(role)", logger: suite.logger.with(LogField("broker", role)), lease: suite.lease)
    change(&environment)
    let broker = try suite.openBroker(url ?? suite.url, environment)
    opened.withLock { $0.brokers.append(broker) }
    return broker
  }

  /// A broker to look at what another one did: another object where the broker is shared, the same one otherwise.
  func observer(of broker: any BrokerAdministration) async throws -> any BrokerAdministration {
    features.isShared ? try await self.broker("observer") : broker
  }

  /// A proxy before the broker, and the broker's URL through it.
  func proxy() throws -> (proxy: TCPProxy, url: String) {
    let target = try URLAuthority(of: suite.url)
    let proxy = try TCPProxy(to: target.host, port: target.port)
    opened.withLock { $0.proxies.append(proxy) }
    return (proxy, target.replaced(host: "127.0.0.1", port: proxy.port))
  }

  /// A process that consumes `queue` as `behaviour` says.
  func worker(_ behaviour: ConformanceWorker.Behaviour, queue: String, output: String? = nil, prefetch: Int)
    async throws -> WorkerProcess
  {
    guard let executable = suite.worker else { throw ConformanceFailure("the case needs a worker executable") }
    let options = ConformanceWorker.Options(
      url: suite.url, queue: queue, output: output, prefetch: prefetch, behaviour: behaviour,
      leaseMilliseconds: Int(suite.lease / .milliseconds(1)))
    let worker = try WorkerProcess(executable, arguments: options.arguments)
    workers.withLock { $0.append(worker) }
    guard await worker.next(where: { $0 == "ready" }, until: deadline) != nil else {
      throw ConformanceFailure("the worker did not start to consume in time; it said: \(worker.said)")
    }
    return worker
  }

  /// Begins to read a queue.
  func receiver(_ broker: any BrokerAdministration, on queue: String, prefetch: Int) async throws -> Receiver {
    let receiver = Receiver(patience: suite.patience)
    let subscription = QueueSubscription(
      queue: QueueDeclaration(name: queue), function: "conformance", prefetch: prefetch)
    receiver.attach(try await broker.consume(subscription, handler: receiver))
    return receiver
  }

  /// Waits until a question to the broker has the right answer.
  func eventually(
    _ expectation: String, within limit: Duration? = nil, _ isTrue: () async throws -> Bool
  ) async throws {
    try await MartletTestKit.eventually(expectation, within: limit ?? suite.patience, isTrue)
  }

  /// Ends what the case began: kills its processes, closes its brokers, deletes its queues.
  func end() async {
    for worker in workers.withLock({ $0 }) { worker.kill() }
    let (brokers, queues, proxies) = opened.withLock { $0 }
    for proxy in proxies { proxy.set(.forward) }
    let cleaner = features.isShared ? try? await broker("cleaner") : brokers.first
    for broker in brokers where features.isShared { await broker.close(deadline: .now + .seconds(5)) }
    for queue in queues { try? await cleaner?.delete(queue: queue) }
    await cleaner?.close(deadline: .now + .seconds(5))
    for proxy in proxies { proxy.close() }
  }
}
