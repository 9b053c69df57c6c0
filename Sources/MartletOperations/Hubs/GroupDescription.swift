public import MartletCore

/// A consumer group of an event hub, at one moment.
public struct GroupDescription: Sendable, Hashable {
  /// Which.
  public let group: ConsumerGroup
  /// How far it is in each partition, from 0.
  public let partitions: [PartitionStatus]

  public init(group: ConsumerGroup, partitions: [PartitionStatus]) {
    self.group = group
    self.partitions = partitions
  }

  /// How many events wait for the group in all partitions.
  public var lag: Int64 { partitions.reduce(0) { $0 + $1.lag.count } }
}
