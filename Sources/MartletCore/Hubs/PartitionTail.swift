public import struct Foundation.Date

/// The end of a partition: what lag is counted to.
public struct PartitionTail: Sendable, Hashable {
  /// The sequence number of the last event ever taken; -1 where there was none.
  public var sequenceNumber: Int64
  /// The place of that event; nil where there was none.
  public var offset: EventOffset?
  /// When that event was enqueued; nil where nobody knows.
  public var enqueuedAt: Date?

  public init(sequenceNumber: Int64, offset: EventOffset? = nil, enqueuedAt: Date? = nil) {
    self.sequenceNumber = sequenceNumber
    self.offset = offset
    self.enqueuedAt = enqueuedAt
  }
}
