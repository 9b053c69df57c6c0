import MartletCore

/// Events of one lane that run: one batch, or one event after another.
struct PartitionRun: Sendable {
  /// Those without an outcome, in order.
  var entries: [Int]
  let lane: Int
  /// nil is never.
  var deadline: MonotonicTime?
  /// Cancelled at its deadline; until then it may still end by itself.
  var graceEnd: MonotonicTime?
  /// An event before it must run again, so nothing of it counts.
  var isVoid = false
  /// Whether an event of it came to an end.
  var hasOutcome = false
}

/// What a worker is given.
struct PartitionWork: Sendable {
  let run: Int
  let events: [EventReference]
  let deadline: MonotonicTime?
}
