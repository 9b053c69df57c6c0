import MartletCore

@testable import MartletRuntime

/// What must be true when a simulation of a hub has ended, whatever happened on the way.
struct HubVerification {
  let simulation: HubSimulation
  private var scenario: HubScenario { simulation.scenario }

  init(_ simulation: HubSimulation) { self.simulation = simulation }

  var problems: [String] {
    outcomeProblems + stateProblems + ghosts
      + simulation.hub.records.filter { $0.owner != nil && simulation.faults.isEmpty }.map { "\($0) was not released" }
  }

  /// Who has left in good order is no member: the others would keep a share for it.
  private var ghosts: [String] {
    simulation.processes.filter { process in
      let names = ["p\(process.number)", GroupBalance.leaving("p\(process.number)")]
      return process.life == .drained && names.contains { simulation.hub.heard[$0] != nil }
    }
    .map { "process \($0.number) has left and is a member still" }
  }

  private var outcomeProblems: [String] {
    scenario.scripts.enumerated().compactMap { number, script in
      let outcome = simulation.hub.outcomes["e\(number)"]
      let mayDie = simulation.faults.contains { $0.hasSuffix("dies") }
      let expected: Set<String>
      switch script {
      case "!" where scenario.options.events.batchFailure == .bisect && !mayDie: expected = ["dead"]
      // Innocents may share the fate of a batch.
      case "s" where scenario.options.events.batchFailure == .bisect && !mayDie: expected = ["success"]
      default: expected = ["success", "dead", scenario.options.events.onFailure == .skip ? "none" : "dead"]
      }
      guard let outcome, expected.contains(outcome) else {
        return "event \(number) (\(script)) has the outcome \(outcome ?? "nothing")"
      }
      return nil
    }
  }

  /// A key's state is made of exactly the events that succeeded, in their order.
  private var stateProblems: [String] {
    // What another broker has taken may belong to a batch that failed after all.
    guard scenario.isStateful, !scenario.crossesBrokers else { return [] }
    return (0..<min(scenario.keys, scenario.scripts.count)).compactMap { key in
      let expected = scenario.scripts.indices.filter {
        $0 % scenario.keys == key && simulation.hub.outcomes["e\($0)"] == "success"
      }.map { "e\($0)" }
      let bytes = simulation.hub.values[key % scenario.partitions]?["k\(key)"]
      let state = bytes.flatMap { try? PayloadCodec<[String]>.json.decode($0) } ?? []
      // A repeat of an event that failed has its own place.
      let isRight = scenario.repeats.isEmpty ? state == expected : state.sorted() == expected.sorted()
      return isRight ? nil : "the state of k\(key) is \(state), not \(expected)"
    }
  }
}
