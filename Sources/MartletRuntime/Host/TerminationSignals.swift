import Glibc
import MartletCore

/// SIGTERM and SIGINT: the first begins the drain, the second ends the process. SIGPIPE is ignored.
final class TerminationSignals: Sendable {
  static let shared = TerminationSignals()

  /// All that a signal handler may touch: a descriptor to write one byte to.
  private static let wake = WakeSignal()

  private let state = Locked<(count: Int, actions: [@Sendable () -> Void])>((0, []))

  private init() {
    _ = Self.wake
    signal(SIGPIPE, SIG_IGN)
    for number in [SIGTERM, SIGINT] { signal(number) { _ in TerminationSignals.wake.notify() } }
    NamedThread.start("martlet-signal") { [self] in run() }.detach()
  }

  /// Calls `action` once, at the first signal; at once if that has come.
  func onFirst(_ action: @escaping @Sendable () -> Void) {
    let isLate = state.withLock { state in
      if state.count == 0 { state.actions.append(action) }
      return state.count > 0
    }
    if isLate { action() }
  }

  private func run() {
    while true {
      var poll = pollfd(fd: Self.wake.descriptor, events: Int16(POLLIN), revents: 0)
      guard Glibc.poll(&poll, 1, -1) > 0 else { continue }
      Self.wake.clear()
      let (count, actions) = state.withLock { state in
        defer { state.actions = [] }
        state.count += 1
        return (state.count, state.actions)
      }
      if count > 1 { _exit(1) }
      for action in actions { action() }
    }
  }
}
