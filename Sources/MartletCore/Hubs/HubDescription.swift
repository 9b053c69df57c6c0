/// An event hub as it is on the broker.
public struct HubDescription: Sendable, Hashable {
  /// The name on the broker.
  public let name: String
  /// Partitions are numbered from 0.
  public let partitionCount: Int
  /// How long events are kept.
  public let retention: HubRetention

  public init(name: String, partitionCount: Int, retention: HubRetention = HubRetention()) {
    self.name = name
    self.partitionCount = partitionCount
    self.retention = retention
  }
}
