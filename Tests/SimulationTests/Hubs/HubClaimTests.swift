import MartletCore
import Testing

@testable import MartletRuntime

/// Claims, and the heartbeats between them.
struct HubClaimTests {
  @Test func `a member that claims more than it can between two heartbeats keeps what it has`() async {
    var scenario = HubScenario.plain(["s"], partitions: 200)
    scenario.options.events.partitionOwnershipExpirationInterval = .milliseconds(600)
    let setting = scenario
    let (violations, lost) = await HubSimulationTests.onThread {
      let simulation = HubSimulation(setting)
      simulation.startProcess()
      simulation.runUntil("it owns everything") {
        simulation.hub.records.allSatisfy { $0.owner != nil }
      }
      defer { simulation.cleanUp() }
      return (simulation.hub.violations, simulation.hub.records.filter { $0.epoch > 1 }.count)
    }
    #expect(violations.isEmpty, "\(violations)")
    #expect(lost == 0)
  }
}
