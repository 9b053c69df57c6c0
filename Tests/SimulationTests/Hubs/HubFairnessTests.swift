import MartletCore
import Testing

@testable import MartletRuntime

/// Fewer slots than partitions.
struct HubFairnessTests {
  private static func scenario(_ scripts: [String]) -> HubScenario {
    .plain(scripts, partitions: 6, maxConcurrentCalls: 1)
  }

  @Test func `partitions with a backlog go on side by side though only one can run at a time`() async {
    let (problems, runs) = await Self.run(Self.scenario(Array(repeating: "w", count: 120)))
    #expect(problems.isEmpty, "\(problems)")
    var counts = Array(repeating: 0, count: 6)
    for run in runs.prefix(60) { counts[(Int(run.dropFirst().prefix { $0 != " " }) ?? 0) % 6] += 1 }
    #expect(runs.count == 120)
    #expect((counts.min() ?? 0) >= 6, "after half of the events: \(counts)")
  }

  @Test func `partitions whose owners died again go on side by side though one event runs at a time`() async {
    let scenario = HubScenario.plain(Array(repeating: "w", count: 120), partitions: 6)
    let (violations, runs) = await HubSimulationTests.onThread {
      let simulation = HubSimulation(scenario)
      simulation.startProcess()
      simulation.runUntil("it is at work") { simulation.ran.count >= 6 }
      for deaths in 1...2 {
        simulation.kill(deaths - 1)
        simulation.runUntil("all is taken over") { simulation.hub.records.allSatisfy { $0.deaths == deaths } }
      }
      let before = simulation.runs.count
      simulation.runUntil("every event has its outcome") { simulation.hub.isDone }
      simulation.cleanUp()
      return (simulation.hub.violations, Array(simulation.runs[before...]))
    }
    #expect(violations.isEmpty, "\(violations)")
    var counts = Array(repeating: 0, count: 6)
    for run in runs.prefix(30) { counts[(Int(run.dropFirst().prefix { $0 != " " }) ?? 0) % 6] += 1 }
    #expect((counts.min() ?? 0) >= 3, "after 30 events: \(counts)")
  }

  @Test func `a function that never returns keeps no slot for ever`() async {
    var scripts = Array(repeating: "s", count: 24)
    scripts[7] = "h"
    let (problems, _) = await Self.run(Self.scenario(scripts))
    #expect(problems.isEmpty, "\(problems)")
  }

  @Test func `nor does one whose partition was lost, and both count as lost`() async {
    let scenario = Self.scenario(["h"] + Array(repeating: "s", count: 23))
    let (violations, lost) = await HubSimulationTests.onThread {
      let simulation = HubSimulation(scenario)
      simulation.startProcess()
      simulation.runUntil("the first one runs") { simulation.ran.contains("e0") }
      // Somebody moves the group by hand.
      let epoch = simulation.hub.records[0].epoch
      _ = simulation.hub.claim(0, as: "operator", expecting: epoch, afterDeath: false)
      simulation.hub.release(0, epoch: epoch + 1)
      simulation.runUntil("every event has its outcome") { simulation.hub.isDone }
      defer { simulation.cleanUp() }
      return (simulation.hub.violations, simulation.processes[0].runner.lost)
    }
    #expect(violations.isEmpty, "\(violations)")
    #expect(lost == 2)
  }

  private static func run(_ scenario: HubScenario) async -> (problems: [String], runs: [String]) {
    await HubSimulationTests.onThread {
      let simulation = HubSimulation(scenario)
      return (simulation.run(), simulation.runs)
    }
  }
}
