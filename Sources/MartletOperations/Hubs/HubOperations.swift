public import MartletCore

/// What an operator does with the consumer groups of an event hub, while they run: look how far they are, move them, and
/// leave an event out.
///
/// Whoever owns a partition that is moved, or has an event left out, can commit nothing more: what it has in hand is
/// dropped, and the next owner, mostly the same process, goes on from the new place within
/// `loadBalancingUpdateInterval`.
///
/// ```swift
/// let hub = try HubOperations(hub: "readings", broker: broker)
/// for partition in try await hub.group("detect").partitions where partition.lag.count > 10_000 {
///   print(partition.number, partition.owner ?? "nobody", partition.lag.count)
/// }
/// try await hub.rewind("detect", to: .enqueuedTime(yesterday))
/// ```
public struct HubOperations: Sendable {
  /// The hub's name on the broker.
  public let hub: String
  let log: any EventLog
  let store: any Store
  /// How long an event is waited for that should be there.
  let patience = Duration.seconds(5)

  /// - Parameters:
  ///   - hub: the hub's name on the broker.
  ///   - broker: has the hub, and has been started.
  ///   - store: has what the consumer groups know, and has been started; nil where the broker itself has it.
  /// - Throws: `configuration` for a broker that has no event hubs, and where a store is needed and not given.
  public init(hub: String, broker: any Broker, store: (any Store)? = nil) throws(BrokerError) {
    guard let log = broker as? any EventLog else {
      throw BrokerError(.configuration, "\(broker.system) has no event hubs", isRetriable: false)
    }
    guard let store = store ?? broker as? any Store else {
      throw BrokerError(
        .configuration, "\(broker.system) does not keep what consumer groups know; name the store that does",
        isRetriable: false)
    }
    self.hub = hub
    self.log = log
    self.store = store
  }

  // MARK: Looking

  /// All consumer groups that ever owned a partition of the hub, or were moved there, by name.
  /// - Throws: `notFound` for a hub that does not exist.
  public func groups() async throws(BrokerError) -> [GroupDescription] {
    let bounds = try await existingBounds()
    var groups: [GroupDescription] = []
    for name in try await store.groups(of: hub) { groups.append(try await describe(name, bounds)) }
    return groups
  }

  /// One consumer group.
  /// - Throws: `notFound` for a hub or a group that does not exist.
  public func group(_ name: String) async throws(BrokerError) -> GroupDescription {
    try await checkGroup(name)
    return try await describe(name, existingBounds())
  }

  private func existingBounds() async throws(BrokerError) -> [PartitionBounds] {
    let bounds = try await log.bounds(of: hub)
    guard !bounds.isEmpty else { throw missing("the event hub \(hub) does not exist") }
    return bounds
  }

  private func describe(_ name: String, _ bounds: [PartitionBounds]) async throws(BrokerError) -> GroupDescription {
    let group = ConsumerGroup(hub: hub, name: name)
    var partitions: [PartitionStatus] = []
    for (record, bounds) in zip(try await store.records(of: group, partitionCount: bounds.count), bounds) {
      partitions.append(PartitionStatus(record, lag: try await lag(of: record, bounds)))
    }
    return GroupDescription(group: group, partitions: partitions)
  }

  // MARK: What all of it needs

  /// A group is not made by a slip of the pen.
  func checkGroup(_ name: String) async throws(BrokerError) {
    guard try await !store.groups(of: hub).contains(name) else { return }
    throw missing("the event hub \(hub) has no consumer group \(name)")
  }

  func missing(_ what: String) -> BrokerError { BrokerError(.notFound, what, isRetriable: false) }

  func partition(_ number: Int) -> HubPartition { HubPartition(hub: hub, number: number) }
}
