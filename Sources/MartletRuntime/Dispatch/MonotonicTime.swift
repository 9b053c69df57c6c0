import Glibc

/// A point of the process's monotonic clock, in nanoseconds: cheap enough to read once per message.
struct MonotonicTime: Sendable, Comparable {
  let nanoseconds: UInt64

  static var now: MonotonicTime {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return MonotonicTime(nanoseconds: UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec))
  }

  static func < (left: MonotonicTime, right: MonotonicTime) -> Bool { left.nanoseconds < right.nanoseconds }

  static func + (time: MonotonicTime, duration: Duration) -> MonotonicTime {
    // Thirty years are for ever, and far from where the numbers end.
    MonotonicTime(nanoseconds: time.nanoseconds &+ UInt64(min(max(0, duration / .nanoseconds(1)), 1e18)))
  }

  /// The time left at `now`; zero when it has passed.
  func remaining(from now: MonotonicTime) -> Duration {
    nanoseconds > now.nanoseconds ? .nanoseconds(Int64(nanoseconds - now.nanoseconds)) : .zero
  }

  /// Nanoseconds since an earlier point.
  func nanoseconds(since earlier: MonotonicTime) -> UInt64 {
    nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0
  }
}
