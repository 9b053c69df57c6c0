public import MartletCore

/// How far a consumer group is in one partition, and who works on it.
public struct PartitionStatus: Sendable, Hashable {
  /// The partition, from 0.
  public let number: Int
  /// The member that owns it; nil for nobody.
  public let owner: String?
  /// The owner's: grows with every new owner and with every move by hand; 0 before the first.
  public let epoch: UInt64
  /// Where the group is, with the events above the checkpoint that have their outcome already; nil before the first
  /// commit, and where it cannot be read.
  public let position: PartitionPosition?
  /// What of the position cannot be read: then the group has to be moved; nil where all can.
  public let unreadable: String?
  /// What waits for the group.
  public let lag: EventLag
  /// How many owners died since the trouble was last cleared by a commit.
  public let deaths: Int
  /// The event that is run alone since then, with its attempt; nil where there is none.
  public let suspect: SuspectEvent?

  public init(_ record: PartitionRecord, lag: EventLag) {
    number = record.partition
    owner = record.owner
    epoch = record.epoch
    position = record.position
    unreadable = record.unreadable
    deaths = record.deaths
    suspect = record.suspect
    self.lag = lag
  }

  /// The last event of the checkpoint; nil before the first.
  public var checkpoint: EventOffset? { position?.checkpoint }
}
