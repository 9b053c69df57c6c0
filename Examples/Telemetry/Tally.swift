import Martlet
import Synchronization

/// What this process did: the partitions that it had, and how many events it ran.
final class Tally: Sendable {
  struct Counts: Codable, Sendable {
    var events = 0
    /// The newest epoch of each partition that it had, by `group:partition`.
    var epochs: [String: UInt64] = [:]
  }

  private let state = Mutex(Counts())

  func count(_ events: Int, _ context: FunctionContext) {
    guard let partition = context.partition else { return }
    state.withLock { counts in
      counts.events += events
      counts.epochs["\(partition.group):\(partition.number)", default: 0] = partition.epoch
    }
  }

  var counts: Counts { state.withLock { $0 } }
}
