/// An event hub that an app uses, and how it is made. The partition count of a hub never changes: keys would move.
public struct HubDeclaration: Sendable, Hashable {
  /// Of a hub that is made without a count.
  public static let defaultPartitionCount = 4
  /// The most that a hub can have.
  public static let maxPartitionCount = 1024

  /// The name on the broker.
  public let name: String
  /// How many partitions it has; nil takes what is there. Another count than the hub's is a `conflict`.
  public var partitionCount: Int?
  /// How long events are kept; nil takes what is there. Changed on a hub that exists where the broker can.
  public var retention: HubRetention?
  /// Whether the broker creates what is missing, only compares, or does nothing.
  public var mode: DeclareMode

  public init(
    name: String, partitionCount: Int? = nil, retention: HubRetention? = nil, mode: DeclareMode = .create
  ) {
    self.name = name
    self.partitionCount = partitionCount
    self.retention = retention
    self.mode = mode
  }
}
