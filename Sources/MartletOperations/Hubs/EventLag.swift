public import MartletCore

public import struct Foundation.Date

/// What waits for a consumer group in a partition.
public struct EventLag: Sendable, Hashable {
  /// How many events have no outcome yet. On RabbitMQ an upper bound, since offsets have holes.
  public let count: Int64
  /// The oldest of them; nil where there is none, or it could not be read in time.
  public let oldest: EventOffset?
  /// When that was enqueued, where the broker or the sender says so.
  public let oldestEnqueuedAt: Date?
  /// Why the group cannot simply go on from its checkpoint, and what its next reader will be told; nil where it can.
  public let loss: EventLoss?

  public init(
    count: Int64, oldest: EventOffset? = nil, oldestEnqueuedAt: Date? = nil, loss: EventLoss? = nil
  ) {
    self.count = count
    self.oldest = oldest
    self.oldestEnqueuedAt = oldestEnqueuedAt
    self.loss = loss
  }

  /// How old the oldest event is, by this machine's clock: as wrong as that is against the broker's, never below zero.
  public func age(at now: Date = Date()) -> Duration? {
    oldestEnqueuedAt.map { .seconds(max(0, now.timeIntervalSince($0))) }
  }
}
