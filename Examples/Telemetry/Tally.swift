import Martlet
import Synchronization

/// What this process did: the partitions that it had, the events that it committed, and those whom it replaced.
final class Tally: Sendable {
  struct Counts: Codable, Sendable {
    var events = 0
    var takeovers = 0
    /// The partitions that it had, as `group:partition`.
    var partitions: Set<String> = []
  }

  private struct State: Sendable {
    var partitions: Set<String> = []
    var host: FunctionHost?
  }

  private let state = Mutex(State())

  /// The host whose counts these are.
  func begin(_ host: FunctionHost) { state.withLock { $0.host = host } }

  func note(_ context: FunctionContext) {
    guard let partition = context.partition else { return }
    state.withLock { _ = $0.partitions.insert("\(partition.group):\(partition.number)") }
  }

  var counts: Counts {
    let (partitions, host) = state.withLock { ($0.partitions, $0.host) }
    var counts = Counts(partitions: partitions)
    for function in Telemetry.names {
      guard let done = host?.eventCounts(of: function) else { continue }
      counts.events += done.committed
      counts.takeovers += done.takeovers
    }
    return counts
  }
}
