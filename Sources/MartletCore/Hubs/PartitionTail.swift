public import struct Foundation.Date

/// The end of a partition: what lag is counted to.
public struct PartitionTail: Sendable, Hashable {
  /// The sequence number of the last event ever taken; -1 where there was none.
  public var sequenceNumber: Int64
  /// When that event was enqueued; nil where nobody knows.
  public var enqueuedAt: Date?

  public init(sequenceNumber: Int64, enqueuedAt: Date? = nil) {
    self.sequenceNumber = sequenceNumber
    self.enqueuedAt = enqueuedAt
  }
}
