import Martlet

/// What was sent to the first hub of a chain and what came of it, and the verdict on it: computed from what the hubs
/// hold, without the runtime.
struct HubLedger {
  /// Ids that the broker has confirmed.
  let confirmed: Set<String>
  let stages: [HubChainStage]
  /// What the queue at the end holds.
  let list: [(body: String, id: String)]

  /// What must be in the queue: of the first function every fourth number of a key, of the second one all.
  private var expectedList: Set<String> {
    var bodies: Set<String> = []
    for stage in stages {
      for origins in stage.expected.values {
        for (index, origin) in origins.enumerated() {
          let number = origin.split(separator: ".").last.flatMap { Int($0) } ?? 0
          guard stage.name == "two" || number.isMultiple(of: 4) else { continue }
          bodies.insert("\(stage.name) \(origin) \(index + 1)")
        }
      }
    }
    return bodies
  }

  /// How many events the functions must have run.
  var runs: Int { stages.reduce(0) { $0 + $1.runs } }

  /// How many events were set aside.
  var setAside: Int { stages.reduce(0) { $0 + $1.letters.count } }

  /// Confirmed, and neither arrived behind the last function nor set aside.
  var lost: [String] {
    let arrived = stages.last?.outputs.joined().map { String($0.origin) } ?? []
    return confirmed.subtracting(arrived).subtracting(stages.flatMap(\.setAside)).sorted()
  }

  /// Messages of the queue that are missing, or should not be there.
  var unaccounted: [String] { expectedList.symmetricDifference(list.map(\.body)).sorted() }

  var wrongLetters: [String] { stages.flatMap(\.wrongLetters) }
  var wrongStates: [String] { stages.flatMap { stage in stage.wrongStates.map { "\(stage.name), \($0)" } } }
  var disordered: [String] { stages.flatMap(\.disordered) }
  var stale: Int { stages.reduce(0) { $0 + $1.stale } }

  /// Effects beyond the first of their event: in the hubs, in the queue and in the dead letters.
  var duplicates: Int { stages.reduce(list.count - Set(list.map(\.body)).count) { $0 + $1.duplicates } }

  /// Repeats with another id than the first one's: a receiver could not tell that they are one.
  var foreignCopies: [String] {
    func foreign(_ pairs: [(name: String, id: String)]) -> [String] {
      Dictionary(grouping: pairs, by: \.name).filter { Set($0.value.map(\.id)).count > 1 }.keys.sorted()
    }
    return stages.flatMap { stage in foreign(stage.outputs.joined().map { ($0.name, $0.id) }) }
      + foreign(list.map { ($0.body, $0.id) })
  }
}
