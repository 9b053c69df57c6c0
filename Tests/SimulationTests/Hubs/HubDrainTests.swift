import MartletCore
import Testing

@testable import MartletRuntime

/// A member that leaves with something slow in hand.
struct HubDrainTests {
  @Test func `what a leaving member has released is owned by another while it finishes the rest`() async {
    var scenario = HubScenario.plain(Array(repeating: "s", count: 15) + ["h"], partitions: 16)
    scenario.options.functionTimeout = .seconds(3600)
    scenario.processes = 2
    let setting = scenario
    let violations = await HubSimulationTests.onThread {
      let simulation = HubSimulation(setting)
      for _ in 0..<setting.processes { simulation.startProcess() }
      simulation.runUntil("the group is in balance and the slow event runs") {
        simulation.isBalanced && simulation.ran.contains("e15")
      }
      guard let leaver = simulation.processes.first(where: { $0.runner.owned.contains(15) }) else {
        return ["nobody owns the partition of the slow event"]
      }
      leaver.drain()
      simulation.runUntil("the other one has the rest") {
        leaver.life == .draining && simulation.hub.records.count { $0.owner != "p\(leaver.number)" } == 15
          && simulation.hub.records.allSatisfy { $0.owner != nil }
      }
      simulation.cleanUp()
      return simulation.hub.violations
    }
    #expect(violations.isEmpty, "\(violations)")
  }

  @Test func `a store that never answered keeps nobody from leaving`() async {
    let scenario = HubScenario.plain(["s"], partitions: 2)
    let violations = await HubSimulationTests.onThread {
      let simulation = HubSimulation(scenario)
      simulation.awayUntil = .max
      simulation.startProcess()
      let process = simulation.processes[0]
      simulation.runUntil("it asks the store") { !process.traffic.isEmpty }
      process.drain()
      simulation.runUntil("it has drained") { process.runner.hasDrained }
      simulation.cleanUp()
      return simulation.hub.violations
    }
    #expect(violations.isEmpty, "\(violations)")
  }
}
