import Foundation
import Martlet
import Synchronization

/// Set by `SIGUSR1`.
private let mustDie = Atomic(false)

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

  /// Called by every function with a batch in hand.
  func note(_ context: FunctionContext) {
    if mustDie.load(ordering: .relaxed) { kill(getpid(), SIGKILL) }
    guard let partition = context.partition else { return }
    state.withLock { _ = $0.partitions.insert("\(partition.group):\(partition.number)") }
  }

  /// From now on `SIGUSR1` kills this process in the middle of its work: with the next batch in hand.
  static func diesAtWork() {
    mustDie.store(false, ordering: .relaxed)
    signal(SIGUSR1) { _ in mustDie.store(true, ordering: .relaxed) }
    // Whoever started this process may have had it blocked.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGUSR1)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
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
