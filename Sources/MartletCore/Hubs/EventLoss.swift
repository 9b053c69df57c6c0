/// Why a partition cannot be read on from a position.
public enum EventLoss: Sendable, Hashable {
  /// Retention, or somebody, removed events that the group had not read.
  /// - `missing`: how many, where it can be known; on RabbitMQ at most so many, since offsets have holes.
  case retentionGap(missing: Int64?)
  /// The partition was deleted and made again: what it holds now has nothing to do with the position.
  case recreated
  /// The partition does not exist.
  case deleted
}
