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

  var bytes: Int { outputs.reduce(0) { $0 + $1.body.count } }
}
