public import struct Foundation.Date

/// How far a consumer group is in a partition: every event up to the checkpoint has its outcome, and so have those that
/// are finished above it.
public struct PartitionPosition: Sendable, Hashable {
  /// The last event of the checkpoint; nil before the first event that there ever was.
  public var checkpoint: EventOffset?
  /// Its sequence number; -1 before the first.
  public var sequenceNumber: Int64
  /// Its id: what tells a partition that was deleted and made again. Nil where no event was read yet.
  public var eventID: String?
  /// When it was enqueued.
  public var enqueuedAt: Date?
  /// Events above the checkpoint that have their outcome, in their order.
  public var finished: [EventOffset]

  public init(
    checkpoint: EventOffset? = nil, sequenceNumber: Int64 = -1, eventID: String? = nil, enqueuedAt: Date? = nil,
    finished: [EventOffset] = []
  ) {
    self.checkpoint = checkpoint
    self.sequenceNumber = sequenceNumber
    self.eventID = eventID
    self.enqueuedAt = enqueuedAt
    self.finished = finished
  }
}
