import Foundation
import MartletCore
import Testing

/// The runtime over a broker that fails in every way that a broker may, for many seeds.
///
/// `MARTLET_TEST_FULL` runs 10 000, `MARTLET_SIMULATION_SEEDS=n` as many as it says; `MARTLET_SIMULATION_SEED=n` runs one
/// again, the one that failed.
struct SimulationTests {
  private static func run(_ seed: UInt64) -> String? {
    let simulation = Simulation(Scenario(seed: seed))
    let problems = simulation.run()
    guard !problems.isEmpty else { return nil }
    return """
      seed \(seed): \(problems.joined(separator: "; "))
        faults: \(simulation.faults.joined(separator: ", ")); \(simulation.scenario)
      """
  }

  @Test func `nothing is lost, nothing is settled twice, every attempt counts`() async {
    let variables = ProcessInfo.processInfo.environment
    if let seed = variables["MARTLET_SIMULATION_SEED"].flatMap({ UInt64($0) }) {
      let failure = await Self.onThread { Self.run(seed) }
      if let failure { Issue.record(Comment(rawValue: failure)) }
      return
    }
    let usual: UInt64 = variables["MARTLET_TEST_FULL"] == nil ? 2000 : 10_000
    let count = variables["MARTLET_SIMULATION_SEEDS"].flatMap { UInt64($0) } ?? usual
    async let even = Self.onThread { stride(from: UInt64(0), to: count, by: 2).compactMap(Self.run) }
    async let odd = Self.onThread { stride(from: UInt64(1), to: count, by: 2).compactMap(Self.run) }
    let failures = await even + odd
    for failure in failures.prefix(5) { Issue.record(Comment(rawValue: failure)) }
    if !failures.isEmpty { Issue.record("\(failures.count) of \(count) seeds failed") }
  }

  @Test func `a seed gives the same run again`() async {
    let first = await Self.onThread {
      let simulation = Simulation(Scenario(seed: 7))
      _ = simulation.run()
      return simulation.runs.map { "\($0.message) \($0.attempt)" } + ["\(simulation.now)"]
    }
    let second = await Self.onThread {
      let simulation = Simulation(Scenario(seed: 7))
      _ = simulation.run()
      return simulation.runs.map { "\($0.message) \($0.attempt)" } + ["\(simulation.now)"]
    }
    #expect(first == second)
  }

  /// A thread of its own: a simulation does not give way.
  private static func onThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
      NamedThread.start("simulation") { continuation.resume(returning: body()) }.detach()
    }
  }
}
