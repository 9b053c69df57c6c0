public import MartletCore

public import struct Foundation.Date

/// Where a consumer group is moved to.
public enum RewindTarget: Sendable, Hashable {
  /// The oldest event that is kept.
  case start
  /// What is published from now on: all that waits is passed over.
  case end
  /// The first event that was enqueued at that time or later, by the broker's clock (on RabbitMQ the sender's, in
  /// seconds).
  case enqueuedTime(Date)
  /// This event is the next one, or the first behind it that is kept. Only for one partition at a time.
  case offset(EventOffset)
}
