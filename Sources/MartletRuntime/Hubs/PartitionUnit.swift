import MartletCore

/// What becomes of some events at once: all of it is committed, or nothing.
struct PartitionUnit: Sendable {
  /// Numbers of entries.
  var entries: [Int]
  let lane: Int
  var outputs: [OutgoingMessage]
  let values: [String: Bytes?]
  let finished: MonotonicTime
  /// Whether it only sets events aside: such a unit has no attempt to fail.
  let isDeadLetter: Bool
  /// Those of the entries that succeeded, where repeats are dropped.
  var remembered: [Int] = []
  /// Whether a batch ends with it: what `batchCheckpointFrequency` counts.
  var endsBatch = false

  var movesPositionAlone: Bool { outputs.isEmpty && values.isEmpty && remembered.isEmpty }

  /// By index: what an iteration hands out is a copy of each.
  var bytes: Int { outputs.indices.reduce(0) { $0 + outputs[$1].body.count } }
}
