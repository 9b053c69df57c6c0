import Foundation
import MartletCore
import Testing

/// The runtime of event hubs over a store and members that fail in every way that they may, for many seeds.
///
/// The variables are those of `SimulationTests`.
struct HubSimulationTests {
  private static func run(_ seed: UInt64) -> String? {
    let simulation = HubSimulation(HubScenario(seed: seed))
    let problems = simulation.run()
    guard !problems.isEmpty else { return nil }
    return """
      seed \(seed): \(problems.joined(separator: "; "))
        faults: \(simulation.faults.joined(separator: ", ")); \(simulation.scenario)
      """
  }

  @Test func `no event is passed without an outcome, no key out of order, no stale commit, and balance comes`() async {
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
    func run() async -> [String] {
      await Self.onThread {
        let simulation = HubSimulation(HubScenario(seed: 7))
        _ = simulation.run()
        return simulation.runs + ["\(simulation.now)"]
      }
    }
    let first = await run()
    #expect(await run() == first)
  }

  /// A thread of its own: a simulation does not give way.
  static func onThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
      NamedThread.start("simulation") { continuation.resume(returning: body()) }.detach()
    }
  }
}
