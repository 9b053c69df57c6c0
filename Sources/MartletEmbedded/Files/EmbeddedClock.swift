import Foundation
import Glibc
import MartletCore

/// The clocks of the embedded broker.
struct EmbeddedClock: Sendable {
  /// Milliseconds since 1970: schedules and times to live.
  var wall: @Sendable () -> Int64
  /// Nanoseconds since the machine started, sleep included: leases. The same in all its processes.
  var boot: @Sendable () -> Int64
  /// Which start of the machine `boot` counts from. A lease of another one is over.
  var bootID: String

  /// The machine's own.
  static let system = EmbeddedClock(
    wall: { milliseconds(CLOCK_REALTIME) }, boot: { nanoseconds(CLOCK_BOOTTIME) }, bootID: currentBootID())

  private static func milliseconds(_ clock: clockid_t) -> Int64 { nanoseconds(clock) / 1_000_000 }

  private static func nanoseconds(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  private static func currentBootID() -> String {
    let id = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
    // Without /proc all starts look alike; then a lease lasts at most as long as its deadline says.
    return id?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "unknown"
  }
}
