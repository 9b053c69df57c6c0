/// Where consumer groups keep who owns which partition, how far they are, and what they know for each key. All times
/// are the store's. A broker may be its own store: then outputs to it are part of the same commit.
///
/// A group's members heartbeat with `attend`; a member that was not heard of for the expiration is dead, and its
/// partitions are free to claim. Each claim raises the partition's epoch, and what carries an older one is refused.
///
/// It also remembers the ids of messages, so that repeats can be dropped. A broker that is a store remembers those of its
/// own queues in their commits, see `Deduplication`, in the scope that has the queue's name; for the queues of another
/// broker the runtime calls `remember`.
public protocol Store: Sendable {
  /// What `commit` covers atomically: outputs to addresses of this domain may go with it.
  var storeDomain: CommitDomain { get }

  /// Which store this is. Drawn and kept at the first question where the store has none yet, so a store that lost all that
  /// it knew is another one. Asked now and then while a group is at work.
  func identity() async throws(BrokerError) -> StoreIdentity

  /// Says that a member is alive, and answers who else was heard of, itself included. Members that were silent for ten
  /// times the expiration are forgotten.
  func attend(_ group: ConsumerGroup, as member: String, expiration: Duration) async throws(BrokerError)
    -> [GroupMember]

  /// A member goes; it has released what it owned.
  func leave(_ group: ConsumerGroup, as member: String) async throws(BrokerError)

  /// What is known of each partition, in their order; partitions that nobody ever claimed have empty records. One that
  /// cannot be read says so in `PartitionRecord.unreadable`, and the others are answered all the same.
  func records(of group: ConsumerGroup, partitionCount: Int) async throws(BrokerError) -> [PartitionRecord]

  /// Takes a partition: the epoch is raised by one, if it still is what the claimer saw.
  /// - Parameters:
  ///   - partition: which.
  ///   - member: who takes it.
  ///   - epoch: that of the record on which the claim is based.
  ///   - afterDeath: the owner was found dead, not gone: `PartitionRecord.deaths` is raised by one.
  /// - Returns: the record with the new epoch; nil where somebody else was faster.
  func claim(_ partition: GroupPartition, as member: String, expecting epoch: UInt64, afterDeath: Bool)
    async throws(BrokerError) -> PartitionRecord?

  /// Gives a partition up, if the epoch still is the owner's.
  func release(_ partition: GroupPartition, epoch: UInt64) async throws(BrokerError)

  /// Applies a commit; `completion` is called exactly once and returns at once. While the store is away the commit is
  /// kept and sent again under its number. Commits of one partition are applied in the order of the calls.
  ///
  /// `ownershipLost`: the epoch is no longer the partition's, or a number is missing; nothing was written. `refused`:
  /// these outputs (indices into `outputs`) cannot be sent, whoever tries; nothing was written, and the number is free:
  /// of commits that were handed in behind it the number is missing.
  func commit(_ commit: PartitionCommit, completion: @escaping @Sendable (CommitResult) -> Void)

  /// What a group keeps for keys of a partition; keys that it has nothing for are missing.
  func values(of keys: [String], in partition: GroupPartition) async throws(BrokerError) -> [String: Bytes]

  /// Moves a group by hand: the position is replaced, what was finished above it and its suspect are forgotten, the
  /// epoch is raised and the partition is free, so whoever owned it can commit nothing more and the next owner begins
  /// there.
  func move(_ partition: GroupPartition, to position: PartitionPosition) async throws(BrokerError)

  /// The consumer groups of a hub that ever claimed a partition, sorted.
  func groups(of hub: String) async throws(BrokerError) -> [String]

  /// Which of these ids are remembered in a scope, by the store's time.
  func remembered(of ids: [String], in scope: String) async throws(BrokerError) -> Set<String>

  /// Remembers ids in a scope. Returns when that is durable.
  /// - Parameters:
  ///   - ids: of messages.
  ///   - scope: what they are ids in; no longer than 250 bytes.
  ///   - window: for how long, from now, by the store's time. What is older is removed, bit by bit.
  func remember(_ ids: [String], in scope: String, for window: Duration) async throws(BrokerError)
}
