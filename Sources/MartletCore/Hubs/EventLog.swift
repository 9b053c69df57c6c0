/// What a broker does for event hubs: partitioned logs that keep their events. Events are published as messages are,
/// with `Broker.publish`; `PartitionChoice` says which partition they go to.
public protocol EventLog: Broker {
  /// Makes sure that a hub exists and fits, and says what it is like.
  /// - Throws: `conflict` where it has another partition count, with both counts.
  func declare(_ hub: HubDeclaration) async throws(BrokerError) -> HubDescription

  /// Says how a hub is to be made where events that are sent to it find it missing. Returns at once, and holds for what
  /// is published or committed after it. Events to a hub that has another partition count are refused as a `conflict`,
  /// where the broker learns of the hub by them.
  func note(_ hub: HubDeclaration)

  /// How many partitions a hub has; 0 for one that does not exist.
  func partitionCount(of hub: String) async throws(BrokerError) -> Int

  /// Where a group begins to read a partition that it has no position in: the last place that it does not want.
  func position(before start: InitialOffset, in partition: HubPartition) async throws(BrokerError)
    -> PartitionPosition

  /// Where a group stands that wants the event of an offset next, or the first one behind that offset where there is
  /// none. Offsets before the oldest event mean the oldest one, offsets behind the newest what comes from now on.
  func position(before offset: EventOffset, in partition: HubPartition) async throws(BrokerError)
    -> PartitionPosition

  /// Begins to read a partition behind a position. Nothing comes before `PartitionReader.grant`. Trouble goes to
  /// `handler`; the reader reconnects and resumes by itself.
  func read(
    _ partition: HubPartition, after position: PartitionPosition, function: String, handler: any EventHandler
  ) async throws(BrokerError) -> any PartitionReader

  /// What each partition of a hub holds; empty for a hub that does not exist.
  func bounds(of hub: String) async throws(BrokerError) -> [PartitionBounds]

  /// Removes what a hub's retention no longer asks for. Brokers that do so by themselves do nothing.
  /// - Returns: how many events went, of one partition.
  func trim(_ partition: HubPartition) async throws(BrokerError) -> Int

  /// Removes a hub with its events, and what all its consumer groups know.
  func delete(hub: String) async throws(BrokerError)
}
