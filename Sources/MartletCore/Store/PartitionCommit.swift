/// What the owner of a partition writes at once.
public struct PartitionCommit: Sendable {
  /// Which.
  public var partition: GroupPartition
  /// The owner's.
  public var epoch: UInt64
  /// One more than that of the owner's commit before; the first is 1. A commit that is sent again under its number
  /// answers `applied` and writes nothing.
  public var number: UInt64
  /// How far the group is now; nil leaves it.
  public var position: PartitionPosition?
  /// What is sent, in order: to addresses of the store's domain only.
  public var outputs: [OutgoingMessage]
  /// What the group keeps for keys of this partition from now on; nil removes.
  public var values: [String: Bytes?]
  /// Replaces `PartitionRecord.deaths`.
  public var deaths: Int
  /// Replaces `PartitionRecord.suspect`.
  public var suspect: SuspectEvent?

  public init(
    partition: GroupPartition, epoch: UInt64, number: UInt64, position: PartitionPosition? = nil,
    outputs: [OutgoingMessage] = [], values: [String: Bytes?] = [:], deaths: Int = 0, suspect: SuspectEvent? = nil
  ) {
    self.partition = partition
    self.epoch = epoch
    self.number = number
    self.position = position
    self.outputs = outputs
    self.values = values
    self.deaths = deaths
    self.suspect = suspect
  }
}
