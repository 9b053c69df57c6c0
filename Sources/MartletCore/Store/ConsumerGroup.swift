/// A consumer group of a hub.
public struct ConsumerGroup: Sendable, Hashable, CustomStringConvertible {
  /// The hub's name on the broker.
  public let hub: String
  /// The group's name: as a hub's name, without `:` and `/`.
  public let name: String

  public init(hub: String, name: String) {
    self.hub = hub
    self.name = name
  }

  /// `readings/detect`.
  public var description: String { "\(hub)/\(name)" }
  /// Where the events go that the group gave up.
  public var deadLetters: Address { .deadLetters(of: description) }
}
