import Foundation
import MartletCore

@testable import MartletRuntime

/// One process of the app: a real runner on an executor without threads, and its broker connections.
///
/// `@unchecked Sendable`: a simulation and all its processes live on one thread.
final class SimulatedProcess: @unchecked Sendable {
  enum Life {
    case running
    case draining(since: UInt64)
    case drained, dead
  }

  /// A commit or publication on its way.
  enum Traffic {
    case commit(CommitGroup, (CommitResult) -> Void)
    case publication([OutgoingMessage], (CommitResult) -> Void)
    case prefetch(Int)
    case reply(CommitResult, (CommitResult) -> Void)
  }

  let number: Int
  let executor = FunctionExecutor(name: "simulated", threads: 0)
  let runner: FunctionRunner
  unowned let simulation: Simulation
  var life = Life.running
  /// What the process believes, and what the broker says: they differ until the process learns of a loss.
  var generation: UInt32 = 1
  var ownedGeneration: UInt32 = 1
  var prefetch: Int
  /// In the order of the calls; replies overtake nothing.
  var traffic: [Traffic] = []
  var running = 0
  var hasCancelled = false
  var hasAbandoned = false

  init(number: Int, simulation: Simulation) {
    self.number = number
    self.simulation = simulation
    let options = simulation.scenario.options
    let clock = HostClock(monotonic: { [unowned simulation] in simulation.time }, wall: { .distantPast })
    let plan = FunctionPlan(
      function: simulation.function(of: number), options: options, connections: ["other"], instance: "p\(number)",
      logger: Logger(level: .critical, sink: .discard), clock: clock)
    prefetch = plan.basePrefetch
    runner = FunctionRunner(
      plan: plan, executor: executor, watchdog: Watchdog(executor: executor, onStarvation: {}))
  }

  var isDead: Bool { if case .dead = life { true } else { false } }
  var isRunning: Bool { if case .running = life { true } else { false } }
  var isActive: Bool {
    switch life {
    case .running, .draining: true
    case .drained, .dead: false
    }
  }

  /// Opens the function; deliveries may have come before.
  func open() {
    runner.open(
      Committer(consumer: SimulatedConsumer(process: self), input: .queue("in")) { [unowned self] in
        SimulatedBroker($0, self)
      })
  }

  /// Begins the drain.
  func drain(now: UInt64) {
    life = .draining(since: now)
    runner.beginDrain()
  }

  func deliver(_ deliveries: [Delivery]) {
    if !deliveries.isEmpty { runner.receive(deliveries) }
  }

  /// The process learns that it lost what it held, and begins a new life of its consumer.
  func learnOfLoss() {
    guard generation != ownedGeneration else { return }
    generation = ownedGeneration
    runner.revoke(generationsBefore: generation)
  }
}

/// A process's reader of the queue.
struct SimulatedConsumer: QueueConsumer {
  unowned let process: SimulatedProcess

  func setPrefetch(_ count: Int) { process.traffic.append(.prefetch(count)) }

  func commit(_ group: CommitGroup, completion: @escaping @Sendable (CommitResult) -> Void) {
    guard !process.isDead else { return }
    if case .drained = process.life { process.simulation.queue.violation("a commit came after the drain had ended") }
    process.traffic.append(.commit(group, completion))
  }

  func close(deadline: ContinuousClock.Instant) async {}
}

/// The brokers of a process: the queue's, and another one for outputs.
struct SimulatedBroker: Broker {
  let isOther: Bool
  unowned let process: SimulatedProcess

  init(_ address: Address, _ process: SimulatedProcess) {
    isOther = address.connection != nil
    self.process = process
  }

  var system: String { "simulated" }
  func commitDomain(for address: Address) -> CommitDomain { CommitDomain(isOther ? "other" : "own") }
  func start(deadline: ContinuousClock.Instant) async throws(BrokerError) {}
  func declare(_ queue: QueueDeclaration) async throws(BrokerError) {}
  func consume(
    _ subscription: QueueSubscription, handler: any DeliveryHandler
  ) async throws(BrokerError) -> any QueueConsumer { SimulatedConsumer(process: process) }
  func publish(_ messages: [OutgoingMessage], completion: @escaping @Sendable (CommitResult) -> Void) {
    guard !process.isDead else { return }
    process.traffic.append(.publication(messages, completion))
  }
  func close(deadline: ContinuousClock.Instant) async {}
}
