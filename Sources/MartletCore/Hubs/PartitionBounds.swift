public import struct Foundation.Date

/// What a partition holds.
public struct PartitionBounds: Sendable, Hashable {
  /// From 0.
  public var partition: Int
  /// How many events it keeps; nil where the broker cannot say.
  public var count: Int?
  /// The oldest event that is kept; nil in an empty partition.
  public var first: EventOffset?
  /// The newest; nil in an empty partition.
  public var last: EventOffset?
  /// When the oldest was enqueued.
  public var firstEnqueuedAt: Date?
  /// The end.
  public var tail: PartitionTail

  public init(
    partition: Int, count: Int? = nil, first: EventOffset? = nil, last: EventOffset? = nil,
    firstEnqueuedAt: Date? = nil, tail: PartitionTail
  ) {
    self.partition = partition
    self.count = count
    self.first = first
    self.last = last
    self.firstEnqueuedAt = firstEnqueuedAt
    self.tail = tail
  }
}
