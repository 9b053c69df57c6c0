/// What a store keeps for one partition of a consumer group.
public struct PartitionRecord: Sendable, Hashable {
  /// From 0.
  public var partition: Int
  /// The member that owns it; nil where it was released, or never owned.
  public var owner: String?
  /// Grows with every claim and every move by hand; 0 before the first.
  public var epoch: UInt64
  /// The number of the last commit under this epoch; each claim begins again with 0.
  public var lastCommit: UInt64
  /// How far the group is; nil before the first commit, and where it cannot be read.
  public var position: PartitionPosition?
  /// What of the position cannot be read: the place, the field and its value; nil where all can. Not to be taken for a
  /// group without a position: somebody has to say where it goes on.
  public var unreadable: String?
  /// How many owners died since the trouble was last cleared by a commit.
  public var deaths: Int
  /// The event that was singled out last.
  public var suspect: SuspectEvent?

  public init(
    partition: Int, owner: String? = nil, epoch: UInt64 = 0, lastCommit: UInt64 = 0,
    position: PartitionPosition? = nil, deaths: Int = 0, suspect: SuspectEvent? = nil, unreadable: String? = nil
  ) {
    self.partition = partition
    self.owner = owner
    self.epoch = epoch
    self.lastCommit = lastCommit
    self.position = position
    self.deaths = deaths
    self.suspect = suspect
    self.unreadable = unreadable
  }
}
