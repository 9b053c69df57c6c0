import Glibc
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

  private static var peakKibibytes: Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss
  }

  private static var milliseconds: Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
  }
}
