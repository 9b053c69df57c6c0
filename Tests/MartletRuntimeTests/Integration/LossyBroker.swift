import MartletCore
import MartletEmbedded
import Testing

@testable import MartletTestKit

/// An embedded broker whose readers can be told of a loss, and whose store can refuse what is asked.
final class LossyBroker: EventLog, Store {
  let base: EmbeddedBroker
  private let handlers = Locked<[any EventHandler]>([])
  /// The partitions whose positions make no sense, until they are moved.
  let unreadable = Locked<Set<Int>>([])
  /// What heartbeats come to,
  let heartbeatError = Locked<BrokerError?>(nil)
  /// and reading what is kept for keys.
  let valuesError = Locked<BrokerError?>(nil)

  init(_ base: EmbeddedBroker) { self.base = base }

  /// Ends the readers that there are with a loss, as a broker does.
  func lose(_ loss: EventLoss) {
    let handlers = handlers.withLock { handlers in
      defer { handlers = [] }
      return handlers
    }
    for handler in handlers { handler.receive(loss) }
  }

  // MARK: EventLog

  func read(
    _ partition: HubPartition, after position: PartitionPosition, function: String, handler: any EventHandler
  ) async throws(BrokerError) -> any PartitionReader {
    handlers.withLock { $0.append(handler) }
    return try await base.read(partition, after: position, function: function, handler: handler)
  }

  func declare(_ hub: HubDeclaration) async throws(BrokerError) -> HubDescription { try await base.declare(hub) }
  func note(_ hub: HubDeclaration) { base.note(hub) }
  func partitionCount(of hub: String) async throws(BrokerError) -> Int { try await base.partitionCount(of: hub) }
  func position(before start: InitialOffset, in partition: HubPartition) async throws(BrokerError)
    -> PartitionPosition
  { try await base.position(before: start, in: partition) }
  func position(before offset: EventOffset, in partition: HubPartition) async throws(BrokerError)
    -> PartitionPosition
  { try await base.position(before: offset, in: partition) }
  func bounds(of hub: String) async throws(BrokerError) -> [PartitionBounds] { try await base.bounds(of: hub) }
  func trim(_ partition: HubPartition) async throws(BrokerError) -> Int { try await base.trim(partition) }
  func delete(hub: String) async throws(BrokerError) { try await base.delete(hub: hub) }

  // MARK: Store

  var storeDomain: CommitDomain { base.storeDomain }
  func identity() async throws(BrokerError) -> StoreIdentity { try await base.identity() }
  func attend(_ group: ConsumerGroup, as member: String, expiration: Duration) async throws(BrokerError)
    -> [GroupMember]
  {
    if let error = heartbeatError.withLock({ $0 }) { throw error }
    return try await base.attend(group, as: member, expiration: expiration)
  }
  func leave(_ group: ConsumerGroup, as member: String) async throws(BrokerError) {
    try await base.leave(group, as: member)
  }
  func records(of group: ConsumerGroup, partitionCount: Int) async throws(BrokerError) -> [PartitionRecord] {
    try await base.records(of: group, partitionCount: partitionCount).map { spoiled($0) }
  }
  func claim(_ partition: GroupPartition, as member: String, expecting epoch: UInt64, afterDeath: Bool)
    async throws(BrokerError) -> PartitionRecord?
  {
    try await base.claim(partition, as: member, expecting: epoch, afterDeath: afterDeath).map { spoiled($0) }
  }
  private func spoiled(_ record: PartitionRecord) -> PartitionRecord {
    guard unreadable.withLock({ $0.contains(record.partition) }) else { return record }
    var record = record
    (record.position, record.unreadable) = (nil, "the field checkpoint is \"?\"")
    return record
  }
  func release(_ partition: GroupPartition, epoch: UInt64) async throws(BrokerError) {
    try await base.release(partition, epoch: epoch)
  }
  func commit(_ commit: PartitionCommit, completion: @escaping @Sendable (CommitResult) -> Void) {
    base.commit(commit, completion: completion)
  }
  func values(of keys: [String], in partition: GroupPartition) async throws(BrokerError) -> [String: Bytes] {
    if let error = valuesError.withLock({ $0 }) { throw error }
    return try await base.values(of: keys, in: partition)
  }
  func move(_ partition: GroupPartition, to position: PartitionPosition) async throws(BrokerError) {
    unreadable.withLock { _ = $0.remove(partition.number) }
    try await base.move(partition, to: position)
  }
  func groups(of hub: String) async throws(BrokerError) -> [String] { try await base.groups(of: hub) }
  func remembered(of ids: [String], in scope: String) async throws(BrokerError) -> Set<String> {
    try await base.remembered(of: ids, in: scope)
  }
  func remember(_ ids: [String], in scope: String, for window: Duration) async throws(BrokerError) {
    try await base.remember(ids, in: scope, for: window)
  }

  // MARK: Broker

  var system: String { base.system }
  func commitDomain(for address: Address) -> CommitDomain { base.commitDomain(for: address) }
  func start(deadline: ContinuousClock.Instant) async throws(BrokerError) { try await base.start(deadline: deadline) }
  func declare(_ queue: QueueDeclaration) async throws(BrokerError) { try await base.declare(queue) }
  func consume(
    _ subscription: QueueSubscription, handler: any DeliveryHandler
  ) async throws(BrokerError) -> any QueueConsumer { try await base.consume(subscription, handler: handler) }
  func publish(_ messages: [OutgoingMessage], completion: @escaping @Sendable (CommitResult) -> Void) {
    base.publish(messages, completion: completion)
  }
  func close(deadline: ContinuousClock.Instant) async { await base.close(deadline: deadline) }
}
