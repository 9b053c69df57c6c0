/// Why a partition cannot be read on from a position.
public enum EventLoss: Sendable, Hashable {
  /// Retention, or somebody, removed events behind the position.
  /// - `missing`: how many came behind the checkpoint, where it can be known; on RabbitMQ at most so many, since offsets
  ///   have holes. Those that were finished above the checkpoint are among them.
  case retentionGap(missing: Int64?)
  /// The partition was deleted and made again: what it holds now has nothing to do with the position.
  case recreated
  /// The partition does not exist.
  case deleted
}
