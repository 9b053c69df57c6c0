import Foundation
import Martlet

/// A group that begins a hub at its start, and says after every 10 000 events how many there were, the most memory that
/// the process ever held, and a time: `at EVENTS KIBIBYTES MILLISECONDS`.
enum Replay {
  static func app(run: String) -> FunctionApp {
    let hub = HubName<Bytes>("\(run)-in")
    let seen = Locked(0)
    return FunctionApp("replays") {
      Function("count", on: .eventHub(hub, group: "replay", maxEventBatchSize: 500, prefetchCount: 2000)) { batch, _ in
        let (before, after) = seen.withLock { seen in
          seen += batch.count
          return (seen - batch.count, seen)
        }
        if before / 10_000 != after / 10_000 { Words.say("at \(after) \(peakKibibytes) \(milliseconds)") }
      }
    }
  }

  /// Not `getrusage`: that counts what the parent had before it became this program.
  private static var peakKibibytes: Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? .max
  }

  private static var milliseconds: Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
  }
}
