/// What became of the events of a function in this process since its start: how many are done, and the trouble that its
/// log tells line by line. See `FunctionHost.eventCounts(of:)`.
///
/// Trouble is counted when it is decided. What a process decided and could not commit any more is decided, and counted,
/// again by the next owner.
public struct EventCounts: Sendable, Hashable {
  /// Events whose outcome this process has committed, whatever it was.
  public internal(set) var committed = 0
  /// Partitions that this process took over from one that was dead.
  public internal(set) var takeovers = 0
  /// Events that went to the dead letters of the group.
  public internal(set) var deadLettered = 0
  /// Events that were left out, as `onFailure` says.
  public internal(set) var skipped = 0
  /// Events that were dropped as repeats, as `deduplicate` says.
  public internal(set) var repeated = 0
  /// How often the group found that events behind its checkpoint were removed.
  public internal(set) var retentionGaps = 0
  /// How many events those were, where it could be known; on RabbitMQ at most so many, since offsets have holes.
  public internal(set) var missing: Int64 = 0
  /// How often a partition was found deleted, or deleted and made again, or its position unreadable.
  public internal(set) var lostPartitions = 0
  /// Events that this process removed, as the retention of the hub says, whoever had read them.
  public internal(set) var trimmed = 0
}
