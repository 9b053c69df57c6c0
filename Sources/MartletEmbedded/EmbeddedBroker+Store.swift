public import MartletCore

/// What consumer groups know, in the same file. A commit is one transaction with its outputs; several commits that wait
/// at the same moment share one write to the disk. Members are heard of by the clock of the machine, sleep included;
/// those of an earlier start of the machine are forgotten.
///
/// The hubs of a group need not be here: a file may be the store of hubs on another broker.
extension EmbeddedBroker: MartletCore.Store {
  public var storeDomain: CommitDomain { domain }

  /// That of the file; a memory has one of its own, and is volatile.
  public func identity() async throws(BrokerError) -> StoreIdentity {
    let uuid = try await query { store throws(SQLiteError) in .success(try store.uuid()) }
    return StoreIdentity(uuid: uuid, place: location.place, isVolatile: location.file == nil)
  }

  public func attend(_ group: ConsumerGroup, as member: String, expiration: Duration) async throws(BrokerError)
    -> [GroupMember]
  {
    // A heartbeat that a power cut takes back was of no use any more.
    try await write(isDurable: false) { engine, store, _ throws(SQLiteError) in
      .success(
        try store.attend(
          group, as: member, bootID: engine.clock.bootID, now: engine.clock.boot(),
          forgetting: Int64(min(expiration * 10 / .nanoseconds(1), 4e18))))
    }
  }

  public func leave(_ group: ConsumerGroup, as member: String) async throws(BrokerError) {
    try await write(isDurable: false) { _, store, _ throws(SQLiteError) in
      .success(try store.leave(group, as: member))
    }
  }

  public func records(of group: ConsumerGroup, partitionCount: Int) async throws(BrokerError) -> [PartitionRecord] {
    try await query { store throws(SQLiteError) in .success(try store.records(of: group, count: partitionCount)) }
  }

  public func claim(_ partition: GroupPartition, as member: String, expecting epoch: UInt64, afterDeath: Bool)
    async throws(BrokerError) -> PartitionRecord?
  {
    try await write { _, store, _ throws(SQLiteError) in
      .success(try store.claim(partition, as: member, expecting: epoch, afterDeath: afterDeath))
    }
  }

  public func release(_ partition: GroupPartition, epoch: UInt64) async throws(BrokerError) {
    try await write { _, store, _ throws(SQLiteError) in .success(try store.release(partition, epoch: epoch)) }
  }

  public func commit(_ commit: PartitionCommit, completion: @escaping @Sendable (CommitResult) -> Void) {
    let work = Work.commitPartition(commit, completion)
    if !inbox.send(.work(work)) { work.fail(.closed) }
  }

  public func values(of keys: [String], in partition: GroupPartition) async throws(BrokerError) -> [String: Bytes] {
    try await query { store throws(SQLiteError) in .success(try store.values(of: keys, in: partition)) }
  }

  public func move(_ partition: GroupPartition, to position: PartitionPosition) async throws(BrokerError) {
    try await write { _, store, _ throws(SQLiteError) in .success(try store.move(partition, to: position)) }
  }

  public func groups(of hub: String) async throws(BrokerError) -> [String] {
    try await query { store throws(SQLiteError) in .success(try store.groups(of: hub)) }
  }

  public func remembered(of ids: [String], in scope: String) async throws(BrokerError) -> Set<String> {
    let clock = clock
    return try await query { store throws(SQLiteError) in
      var found: Set<String> = []
      let now = clock.wall()
      for id in ids where try store.isRemembered(id, in: scope, now: now) { found.insert(id) }
      return .success(found)
    }
  }

  public func remember(_ ids: [String], in scope: String, for window: Duration) async throws(BrokerError) {
    try await write { engine, store, _ throws(SQLiteError) in
      let now = engine.clock.wall()
      for id in ids { try store.remember(id, in: scope, for: window, now: now) }
      return .success(try store.forgetRemembered(added: ids.count, now: now))
    }
  }
}
