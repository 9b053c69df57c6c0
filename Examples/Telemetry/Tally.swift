import Martlet
import Synchronization

/// What this process did: the partitions that it had, and how many events it ran.
final class Tally: Sendable {
  struct Counts: Codable, Sendable {
    var events = 0
    /// The epochs of each partition that it had, by `group:partition`.
    var epochs: [String: Epochs] = [:]
  }

  struct Epochs: Codable, Sendable {
    var first: UInt64
    var last: UInt64

    func joined(with other: Self) -> Self { Self(first: min(first, other.first), last: max(last, other.last)) }
  }

  private let state = Mutex(Counts())

  func count(_ events: Int, _ context: FunctionContext) {
    guard let partition = context.partition else { return }
    state.withLock { counts in
      counts.events += events
      let epochs = Epochs(first: partition.epoch, last: partition.epoch)
      let name = "\(partition.group):\(partition.number)"
      counts.epochs[name] = counts.epochs[name]?.joined(with: epochs) ?? epochs
    }
  }

  var counts: Counts { state.withLock { $0 } }
}
