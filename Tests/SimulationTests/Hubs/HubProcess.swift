import Foundation
import MartletCore

@testable import MartletRuntime

/// One process of the app: a real runner on an executor without threads, and its connections.
///
/// `@unchecked Sendable`: a simulation and all its processes live on one thread.
final class HubProcess: @unchecked Sendable {
  enum Life { case running, draining, leaving, drained, dead }

  /// A call on its way to the broker, or its answer on the way back.
  enum Traffic {
    /// Does what was asked, and answers what to do with the answer.
    case request(() -> (() -> Void))
    case reply(() -> Void)
  }

  /// A partition that is being read.
  final class Reading {
    let partition: Int
    var next: Int
    var granted = 0
    var isClosed = false
    let handler: any EventHandler

    init(partition: Int, next: Int, handler: any EventHandler) {
      self.partition = partition
      self.next = next
      self.handler = handler
    }
  }

  let number: Int
  let executor = FunctionExecutor(name: "simulated", threads: 0)
  let runner: HubRunner
  unowned let simulation: HubSimulation
  var life = Life.running
  var frozenUntil: UInt64 = 0
  var drainingSince: UInt64 = 0
  var stages = 0
  /// In the order of the calls.
  var traffic: [Traffic] = []
  var readings: [Reading] = []
  /// Keys that run, with the events.
  var running: [String: String] = [:]
  var runCount = 0

  init(number: Int, simulation: HubSimulation) {
    self.number = number
    self.simulation = simulation
    let options = simulation.scenario.options
    let clock = HostClock(monotonic: { [unowned simulation] in simulation.time }, wall: { .distantPast })
    let function = simulation.function(of: number)
    let plan = FunctionPlan(
      function: function, options: options, connections: ["other"], instance: "p\(number)",
      logger: Logger(level: .critical, sink: .discard), clock: clock)
    guard case .events(let binding) = function.body else { preconditionFailure("a hub's trigger binds events") }
    runner = HubRunner(
      hub: HubPlan(
        base: plan, binding: binding, options: options, app: "app", mostValues: simulation.scenario.mostValues),
      executor: executor,
      generator: SeededGenerator(seed: simulation.scenario.seed ^ UInt64(number + 1)))
  }

  var isAlive: Bool { life != .drained && life != .dead }
  var isFrozen: Bool { frozenUntil > simulation.now }

  func open() {
    let port = HubPort(process: self)
    Task.detached(executorPreference: executor) { [runner] in
      try? await runner.start(
        log: port, committer: HubCommitter(store: port) { HubPort(address: $0, process: port.process) })
    }
  }

  /// Sends a call and waits for its answer.
  func call<Answer: Sendable>(_ act: @escaping () -> Answer) async -> Answer {
    await withUnsafeContinuation { continuation in
      send {
        let answer = act()
        return { continuation.resume(returning: answer) }
      }
    }
  }

  func send(_ request: @escaping () -> (() -> Void)) {
    // Who is dead asks nothing; its tasks wait for ever.
    if life != .dead { traffic.append(.request(request)) }
  }

  func drain() {
    life = .draining
    drainingSince = simulation.now
    runner.beginDrain()
  }

  func leave() {
    life = .leaving
    Task.detached(executorPreference: executor) { [self] in
      await runner.leave()
      if life == .leaving { life = .drained }
    }
  }
}
