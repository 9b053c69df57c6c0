/// One partition as one consumer group sees it.
public struct GroupPartition: Sendable, Hashable, CustomStringConvertible {
  /// The group.
  public let group: ConsumerGroup
  /// From 0.
  public let number: Int

  public init(group: ConsumerGroup, number: Int) {
    self.group = group
    self.number = number
  }

  /// The partition itself.
  public var partition: HubPartition { HubPartition(hub: group.hub, number: number) }
  /// `readings/detect:3`.
  public var description: String { "\(group):\(number)" }
}
