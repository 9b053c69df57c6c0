import Glibc
import MartletCore

/// The clock of all runners: one thread that looks every 10 ms while anything is under way, and sleeps otherwise.
final class Watchdog: Sendable {
  private static let interval: Int32 = 10
  private static let relief: UInt64 = 200_000_000
  /// Functions that ignored their timeout and still run, at which a process gives up.
  static let maxLost = 16

  private let signal = WakeSignal()
  private let state = Locked<(runners: [any Runner], isStopped: Bool)>(([], false))
  private let executor: FunctionExecutor
  private let onStarvation: @Sendable () -> Void

  /// - Parameter onStarvation: called when too many functions ignore their timeouts.
  init(executor: FunctionExecutor, onStarvation: @escaping @Sendable () -> Void) {
    self.executor = executor
    self.onStarvation = onStarvation
  }

  func start() {
    NamedThread.start("martlet-clock") { [self] in run() }.detach()
  }

  func watch(_ runner: any Runner) {
    state.withLock { $0.runners.append(runner) }
    wake()
  }

  func wake() { signal.notify() }

  func stop() {
    state.withLock { $0 = ([], true) }
    wake()
  }

  private func run() {
    var isActive = true
    var relieved = MonotonicTime.now
    while true {
      var poll = pollfd(fd: signal.descriptor, events: Int16(POLLIN), revents: 0)
      if Glibc.poll(&poll, 1, isActive ? Self.interval : -1) > 0 { signal.clear() }
      let (runners, isStopped) = state.withLock { $0 }
      if isStopped { return }
      let now = MonotonicTime.now
      isActive = false
      for runner in runners where runner.tick(now: now) { isActive = true }
      if isActive, now.nanoseconds(since: relieved) >= Self.relief {
        relieved = now
        executor.relieve()
        if runners.reduce(0, { $0 + $1.lost }) >= Self.maxLost { onStarvation() }
      }
    }
  }
}
