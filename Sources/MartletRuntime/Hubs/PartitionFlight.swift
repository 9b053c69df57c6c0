import MartletCore

/// A commit on its way, with what it is made of, so that a refused one can take another way.
struct PartitionFlight: Sendable {
  let commit: PartitionCommit
  let units: [PartitionUnit]
  let batches: Int
  /// The entry that is singled out with it.
  let announces: Int?
  /// What it remembers of its events.
  let seen: SeenEvents.Write?

  /// Whether nothing of it could be refused but its number and its epoch.
  var movesPositionAlone: Bool {
    commit.outputs.isEmpty && commit.values.isEmpty && commit.suspect == nil && commit.deaths == 0
  }

  /// The unit that made an output.
  func unit(ofOutput index: Int) -> Int? {
    var end = 0
    for (number, unit) in units.enumerated() {
      end += unit.outputs.count
      if index < end { return number }
    }
    return nil
  }
}
