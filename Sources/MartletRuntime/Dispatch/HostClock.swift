import struct Foundation.Date

/// The clocks that a host goes by. Tests set their own.
struct HostClock: Sendable {
  /// Time that passes: deadlines and waits.
  let monotonic: @Sendable () -> MonotonicTime
  /// Time of day: what has expired.
  let wall: @Sendable () -> Date

  static let system = HostClock(monotonic: { .now }, wall: { Date() })
}
