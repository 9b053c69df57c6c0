import MartletCore

@testable import MartletRuntime

/// Runs one scenario: real runners over a modelled hub and store, on one thread, with a clock of its own. Every step is
/// a choice of the seed, so a seed that fails fails again.
///
/// `@unchecked Sendable`: all of it lives on the thread that runs it.
final class HubSimulation: @unchecked Sendable {
  private static let maxSteps = 150_000

  let scenario: HubScenario
  var hub: SimulatedHub
  private(set) var generator: SeededGenerator
  private(set) var now: UInt64 = 1_000_000_000
  var time: MonotonicTime { MonotonicTime(nanoseconds: now) }
  var processes: [HubProcess] = []
  private var faultsLeft: Int
  /// The store does nothing until then.
  var awayUntil: UInt64 = 0
  let sleepers = Sleepers()
  private(set) var faults: [String] = []
  private var steps = 0
  /// Events that ran at least once.
  var ran: Set<String> = []
  var runs: [String] = []

  init(_ scenario: HubScenario) {
    self.scenario = scenario
    hub = SimulatedHub(scenario)
    generator = SeededGenerator(seed: scenario.seed ^ 0x5eed)
    faultsLeft = scenario.faults
  }

  /// Runs until every event has its outcome, the group is in balance and every process has drained; what went wrong.
  func run() -> [String] {
    for _ in 0..<scenario.processes { startProcess() }
    runUntil("every event has its outcome") { hub.isDone && faultsLeft <= 0 || hub.isDone && generator.chance(1) }
    faultsLeft = 0
    runUntil("the group is in balance") { isBalanced }
    for process in processes where process.life == .running { process.drain() }
    runUntil("every process has drained") { !processes.contains(where: \.isAlive) }
    let problems = hub.violations.isEmpty ? HubVerification(self).problems : hub.violations
    cleanUp()
    return problems
  }

  /// Steps until then; a violation where it does not come to that.
  func runUntil(_ what: String, _ isReached: () -> Bool) {
    while hub.violations.isEmpty, !isReached() {
      step()
      steps += 1
      if steps == Self.maxSteps { return hub.violation("it does not come to: \(what); \(stuck)") }
    }
  }

  var isBalanced: Bool {
    let alive = processes.filter { $0.life == .running }
    guard !alive.isEmpty, alive.count == processes.count(where: \.isAlive), !alive.contains(where: \.isFrozen) else {
      return false
    }
    let counts = alive.map { process in hub.records.count { $0.owner == "p\(process.number)" } }
    let (least, most) = (counts.min() ?? 0, counts.max() ?? 0)
    return counts.reduce(0, +) == scenario.partitions && most - least <= 1
  }

  private var stuck: String {
    let lives = processes.map { "\($0.number) \($0.life) owns \($0.runner.owned), \($0.traffic.count) on the way" }
    return (hub.records.map { "\($0)" } + lives).joined(separator: "; ")
  }

  /// Whether an answer is lost now.
  func loses() -> Bool { scenario.faults > 0 && generator.chance(10) }

  /// Whether a reader is lost now.
  func losesReader() -> Bool { scenario.losesReaders && generator.chance(30) }

  // MARK: Steps

  private func step() {
    let active = processes.filter { $0.isAlive && !$0.isFrozen }
    guard let process = active.randomElement(using: &generator) else {
      if !processes.contains(where: { $0.isAlive }) { return startProcess() }
      return passTime(active)
    }
    switch Int.random(in: 0..<100, using: &generator) {
    case ..<45: _ = process.executor.runNext { Int.random(in: 0..<$0, using: &generator) }
    case ..<55: deliver(to: process)
    case ..<85: moveTraffic(of: process)
    case 85 where faultsLeft > 0 && generator.chance(20): fail(process)
    default: passTime(active)
    }
    endDrains()
  }

  func startProcess() {
    let process = HubProcess(number: processes.count, simulation: self)
    processes.append(process)
    process.open()
  }

  private func deliver(to process: HubProcess) {
    process.readings.removeAll(where: \.isClosed)
    guard let reading = process.readings.randomElement(using: &generator), reading.granted > 0 else { return }
    let log = hub.logs[reading.partition]
    let most = min(reading.granted, log.count - reading.next)
    let count = most > 0 ? Int.random(in: 1...most, using: &generator) : 0
    let events = Array(log[reading.next..<reading.next + count])
    reading.next += count
    reading.granted -= count
    reading.handler.receive(events, tail: generator.chance(50) ? hub.tail(of: reading.partition) : nil)
  }

  private func moveTraffic(of process: HubProcess) {
    // Requests keep their order; answers overtake.
    guard let index = process.traffic.indices.randomElement(using: &generator) else { return }
    switch process.traffic[index] {
    case .request(let act):
      let isFirst = !process.traffic[..<index].contains { if case .request = $0 { true } else { false } }
      guard isFirst, awayUntil <= now else { return }
      process.traffic[index] = .reply(act())
    case .reply(let answer):
      process.traffic.remove(at: index)
      answer()
    }
  }

  private func passTime(_ active: [HubProcess]) {
    let isBusy = active.contains { $0.executor.hasWaitingJobs || !$0.traffic.isEmpty }
    now += UInt64.random(in: 10_000...(isBusy ? 10_000_000 : 60_000_000), using: &generator)
    sleepers.wake(now: now)
    for process in active.shuffled(using: &generator) { _ = process.runner.tick(now: time) }
  }

  // MARK: Faults

  private func fail(_ process: HubProcess) {
    faultsLeft -= 1
    switch Int.random(in: 0..<6, using: &generator) {
    case 0: kill(process.number)
    case 1:
      faults.append("\(process.number) freezes")
      process.frozenUntil = now + UInt64.random(in: 100_000_000...4_000_000_000, using: &generator)
      // What has left arrives all the same.
      for index in process.traffic.indices where generator.chance(50) {
        guard case .request(let act) = process.traffic[index] else { continue }
        process.traffic[index] = .reply(act())
        if generator.chance(50) { break }
      }
    case 2:
      faults.append("the store is away")
      awayUntil = now + UInt64.random(in: 100_000_000...3_000_000_000, using: &generator)
    case 3:
      guard process.life == .running else { return }
      faults.append("\(process.number) drains")
      process.drain()
    default:
      guard processes.count(where: \.isAlive) < 4 else { return }
      faults.append("\(processes.count) joins")
      startProcess()
    }
  }

  /// The process is gone between two instructions; what it asked for last may have reached the store.
  func kill(_ number: Int) {
    let process = processes[number]
    guard process.isAlive else { return }
    faults.append("\(number) dies")
    process.life = .dead
    process.traffic = []
    if !processes.contains(where: \.isAlive) { startProcess() }
  }

  /// A drain that takes long is cancelled, then what remains is abandoned, as the host does.
  private func endDrains() {
    for process in processes where process.life == .draining {
      if now > process.drainingSince + 1_000_000_000, process.stages == 0 {
        process.stages = 1
        process.runner.cancelAll()
      }
      if now > process.drainingSince + 3_500_000_000, process.stages == 1 {
        process.stages = 2
        process.runner.abandon()
      }
      guard process.runner.hasDrained else { continue }
      if hub.records.contains(where: { $0.owner == "p\(process.number)" }) {
        // It gave up what it could not hold; the others see an owner that is no member.
        faults.append("\(process.number) drained without a release")
      }
      process.leave()
    }
  }

  /// Lets every task end that can, so that little is left behind.
  func cleanUp() {
    for process in processes where process.life != .dead { process.life = .dead }
    for _ in 0..<4 {
      sleepers.wake(now: .max)
      for process in processes { while process.executor.runNext(choosing: { _ in 0 }) {} }
    }
  }
}
