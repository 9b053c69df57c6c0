import MartletCore
import Testing

@testable import MartletRuntime

/// Events that kill their process.
struct HubPoisonTests {
  @Test(arguments: [1, 3]) func `an event that kills each process reaches the dead letters, and no other one does`(
    lanes: Int
  ) async {
    var scripts = Array(repeating: "s", count: 24)
    scripts[9] = "k"
    var scenario = HubScenario.plain(scripts, partitions: 3)
    scenario.keys = 12
    scenario.options.events.lanes = lanes
    scenario.options.retry = .fixedDelay(maxRetryCount: 2, delayInterval: .zero)
    let setting = scenario
    let (problems, outcomes, deaths) = await HubSimulationTests.onThread {
      let simulation = HubSimulation(setting)
      return (simulation.run(), simulation.hub.outcomes, simulation.faults.count { $0.hasSuffix("dies") })
    }
    #expect(problems.isEmpty, "\(problems)")
    #expect(outcomes.filter { $0.value != "success" } == ["e9": "dead"])
    // One that nobody saw coming, one more to know that it was no chance, and its attempts.
    #expect((4...5).contains(deaths), "\(deaths) deaths")
  }

  @Test func `a death that is nobody's fault is followed by batches, not by single events`() async {
    var scenario = HubScenario.plain(Array(repeating: "w", count: 40), partitions: 1)
    scenario.shape = .whole
    scenario.options.events.maxEventBatchSize = 5
    let setting = scenario
    let (violations, suspects) = await HubSimulationTests.onThread {
      let simulation = HubSimulation(setting)
      simulation.startProcess()
      simulation.runUntil("it is at work") { simulation.ran.count >= 10 }
      simulation.kill(0)
      var suspects = 0
      simulation.runUntil("every event has its outcome") {
        if simulation.hub.records[0].suspect != nil { suspects += 1 }
        return simulation.hub.isDone
      }
      simulation.cleanUp()
      return (simulation.hub.violations, suspects)
    }
    #expect(violations.isEmpty, "\(violations)")
    #expect(suspects == 0)
  }
}
