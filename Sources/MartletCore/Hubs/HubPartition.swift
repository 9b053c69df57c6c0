/// One partition of an event hub.
public struct HubPartition: Sendable, Hashable, CustomStringConvertible {
  /// The hub's name on the broker.
  public let hub: String
  /// From 0.
  public let number: Int

  public init(hub: String, number: Int) {
    self.hub = hub
    self.number = number
  }

  /// `readings:3`.
  public var description: String { "\(hub):\(number)" }
}
