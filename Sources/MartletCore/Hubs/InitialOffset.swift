public import struct Foundation.Date

/// Where a consumer group begins in a partition that it has no checkpoint in (Azure's `initialOffsetOptions`).
public enum InitialOffset: Sendable, Hashable {
  /// With the oldest event that is kept.
  case fromStart
  /// With what is published from now on.
  case fromEnd
  /// With the first event that was enqueued at that time or later, by the broker's clock.
  case fromEnqueuedTime(Date)
}
