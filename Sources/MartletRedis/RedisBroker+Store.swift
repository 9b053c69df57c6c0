public import MartletCore

extension RedisBroker: Store {
  public var storeDomain: CommitDomain { commitDomain(for: .queue("")) }

  /// One for each database of a server. A Redis that was emptied is another store.
  public func identity() async throws(BrokerError) -> StoreIdentity {
    let key = StoreKeys.identity
    let answers = try await ask(
      [.command(["SET", key, MessageIdentifier.random(), "NX"]), .command(["GET", key])], read: Answer.init)
    guard let uuid = answers[1].texts.first else {
      throw BrokerError(.unavailable, "somebody removed \(key) from Redis at \(url.place)", isRetriable: true)
    }
    return StoreIdentity(uuid: uuid, place: "redis://\(url.place)")
  }

  public func attend(_ group: ConsumerGroup, as member: String, expiration: Duration) async throws(BrokerError)
    -> [GroupMember]
  {
    let expiration = Int(milliseconds: (expiration / .milliseconds(1)).rounded(.up))
    return try await ask(
      .script(\.attendGroup, keys: [GroupKeys(group).members], [member, String(expiration)])
    ) { reply in
      stride(from: 1, to: reply.nodes.count - 1, by: 2).map { place in
        GroupMember(
          id: reply.text(reply.nodes[place]), silence: .milliseconds(reply.integer(reply.nodes[place + 1]) ?? 0))
      }
    }
  }

  public func leave(_ group: ConsumerGroup, as member: String) async throws(BrokerError) {
    _ = try await ask(.command(["HDEL", GroupKeys(group).members, member])) { _ in }
  }

  public func records(of group: ConsumerGroup, partitionCount: Int) async throws(BrokerError) -> [PartitionRecord] {
    let keys = GroupKeys(group)
    let calls = (0..<partitionCount).map { RedisCall.command(["HGETALL", keys.record($0)]) }
    return try await ask(calls) { PartitionRecord(0, $0) }.enumerated().map { partition, record in
      var record = record.named(keys.record(partition))
      record.partition = partition
      return record
    }
  }

  public func claim(_ partition: GroupPartition, as member: String, expecting epoch: UInt64, afterDeath: Bool)
    async throws(BrokerError) -> PartitionRecord?
  {
    let call = RedisCall.script(
      \.claimPartition, keys: [record(of: partition)],
      [member, String(epoch), afterDeath ? "1" : "0", MessageIdentifier.random()])
    return try await ask([remembering(partition), call]) { reply in
      reply.root?.kind == .array ? PartitionRecord(partition.number, reply) : nil
    }[1]?.named(record(of: partition))
  }

  public func release(_ partition: GroupPartition, epoch: UInt64) async throws(BrokerError) {
    _ = try await ask(.script(\.releasePartition, keys: [record(of: partition)], [String(epoch)])) { _ in }
  }

  public func commit(_ commit: PartitionCommit, completion: @escaping @Sendable (CommitResult) -> Void) {
    let isTaken = mailbox.send { $0.partitionCommits.commit(commit, completion: completion) }
    if !isTaken { completion(.ownershipLost) }
  }

  public func values(of keys: [String], in partition: GroupPartition) async throws(BrokerError) -> [String: Bytes] {
    let hash = GroupKeys(partition.group).values(partition.number)
    let parts = stride(from: 0, to: keys.count, by: 1_000).map { Array(keys[$0..<min($0 + 1_000, keys.count)]) }
    let found = try await ask(parts.map { .command(["HMGET", hash] + $0) }) { reply in
      reply.nodes.dropFirst().map { $0.kind == .string ? Bytes(copying: reply.bytes($0)) : nil }
    }
    var values: [String: Bytes] = [:]
    for (key, value) in zip(keys, found.joined()) { values[key] = value }
    return values
  }

  public func move(_ partition: GroupPartition, to position: PartitionPosition) async throws(BrokerError) {
    var position = position
    position.finished = []
    let call = RedisCall.script(
      \.moveGroup, keys: [record(of: partition)], [MessageIdentifier.random()] + position.fields)
    _ = try await ask([remembering(partition), call]) { _ in }
  }

  public func groups(of hub: String) async throws(BrokerError) -> [String] {
    try await ask(.command(["ZRANGE", HubKeys(hub).groups, "0", "-1"])) { Answer($0).texts }.sorted()
  }

  public func remembered(of ids: [String], in scope: String) async throws(BrokerError) -> Set<String> {
    guard !ids.isEmpty else { return [] }
    let calls = [RedisCall.command(["TIME"]), .command(["ZMSCORE", QueueKeys.remembered(in: scope)] + ids)]
    let parts = try await ask(calls) { reply in
      reply.nodes.dropFirst().map { $0.kind == .string ? Double(reply.text($0)) : nil }
    }
    guard let seconds = parts[0].first ?? nil, let micros = parts[0].last ?? nil else { return [] }
    let now = seconds * 1000 + micros / 1000
    return Set(zip(ids, parts[1]).lazy.filter { ($0.1 ?? 0) > now }.map(\.0))
  }

  public func remember(_ ids: [String], in scope: String, for window: Duration) async throws(BrokerError) {
    let milliseconds = Int(milliseconds: max(0, window / .milliseconds(1)).rounded(.up))
    let call = RedisCall.script(
      \.remember, keys: [QueueKeys.remembered(in: scope)], [String(milliseconds)] + ids)
    _ = try await ask(call) { _ in }
  }

  private func record(of partition: GroupPartition) -> String {
    GroupKeys(partition.group).record(partition.number)
  }

  /// Notes a group, and the highest of its partitions, before anything of it is there: so nothing is ever overlooked,
  /// also where the hub itself lives on another broker.
  private func remembering(_ partition: GroupPartition) -> RedisCall {
    .command(["ZADD", HubKeys(partition.group.hub).groups, "GT", String(partition.number), partition.group.name])
  }
}
