import MartletCore
import Testing

@testable import MartletRuntime

/// Fewer slots than partitions.
struct HubFairnessTests {
  /// One process with one slot and six partitions; event n belongs to partition n modulo 6.
  private static func scenario(_ scripts: [String]) -> HubScenario {
    var scenario = HubScenario(seed: 1)
    scenario.shape = .single
    scenario.partitions = 6
    scenario.keys = 6
    scenario.processes = 1
    scenario.faults = 0
    scenario.crossesBrokers = false
    scenario.repeats = []
    scenario.scripts = scripts
    var events = EventHubOptions(
      maxEventBatchSize: 2, partitionOwnershipExpirationInterval: .seconds(1),
      loadBalancingUpdateInterval: .milliseconds(100))
    events.onFailure = .deadLetter
    scenario.options = FunctionOptions(
      maxConcurrentCalls: 1, functionTimeout: .milliseconds(200), retry: .fixedDelay(maxRetryCount: 0, delayInterval: .zero), events: events)
    return scenario
  }

  @Test func `partitions with a backlog go on side by side though only one can run at a time`() async {
    let (problems, runs) = await Self.run(Self.scenario(Array(repeating: "w", count: 120)))
    #expect(problems.isEmpty, "\(problems)")
    var counts = Array(repeating: 0, count: 6)
    for run in runs.prefix(60) { counts[(Int(run.dropFirst().prefix { $0 != " " }) ?? 0) % 6] += 1 }
    #expect(runs.count == 120)
    #expect((counts.min() ?? 0) >= 6, "after half of the events: \(counts)")
  }

  @Test func `a function that never returns keeps no slot for ever`() async {
    var scripts = Array(repeating: "s", count: 24)
    scripts[7] = "h"
    let (problems, _) = await Self.run(Self.scenario(scripts))
    #expect(problems.isEmpty, "\(problems)")
  }

  private static func run(_ scenario: HubScenario) async -> (problems: [String], runs: [String]) {
    await HubSimulationTests.onThread {
      let simulation = HubSimulation(scenario)
      return (simulation.run(), simulation.runs)
    }
  }
}
