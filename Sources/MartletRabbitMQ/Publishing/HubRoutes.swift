import MartletCore

/// Where the events of one hub go. A class, because each event changes the turn of those without a key.
final class HubRoutes {
  private let hub: String
  private var choice: PartitionChoice
  private let streams: [String]

  init(_ hub: HubDescription) {
    self.hub = hub.name
    // Each publisher begins its round elsewhere.
    choice = PartitionChoice(partitionCount: hub.partitionCount, next: Int.random(in: 0..<hub.partitionCount))
    streams = (0..<hub.partitionCount).map { HubLayout.stream(of: HubPartition(hub: hub.name, number: $0)) }
  }

  var partitionCount: Int { streams.count }

  /// The partition of an event.
  /// - Throws: `configuration` where it names one that the hub does not have.
  func partition(for event: borrowing OutgoingMessage) throws(BrokerError) -> Int { try choice.partition(for: event) }

  /// The stream of a partition, also of one that the hub no longer has.
  func stream(_ partition: Int) -> String {
    streams.indices.contains(partition)
      ? streams[partition] : HubLayout.stream(of: HubPartition(hub: hub, number: partition))
  }
}
