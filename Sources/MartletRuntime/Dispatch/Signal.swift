import MartletCore

/// Something that happens once, and those who wait for it.
final class Signal: Sendable {
  private let state = Locked<(hasFired: Bool, waiters: [@Sendable () -> Void])>((false, []))

  func fire() {
    let waiters = state.withLock { state in
      defer { state = (true, []) }
      return state.waiters
    }
    for waiter in waiters { waiter() }
  }

  var hasFired: Bool { state.withLock { $0.hasFired } }

  /// Calls `action` once: when it fires, or at once if it has.
  func whenFired(_ action: @escaping @Sendable () -> Void) {
    let hasFired = state.withLock { state in
      if !state.hasFired { state.waiters.append(action) }
      return state.hasFired
    }
    if hasFired { action() }
  }

  func wait() async {
    await withCheckedContinuation { continuation in whenFired { continuation.resume() } }
  }

  /// Waits for it, at most so long. The clock runs on `executor`: the global pool may be full of a function's own tasks.
  /// - Returns: whether it has fired.
  @discardableResult
  func wait(atMost limit: Duration, on executor: FunctionExecutor) async -> Bool {
    let either = Signal()
    let timer = Task.detached(executorPreference: executor) {
      // An early end of the sleep means that the wait is over.
      try? await Task.sleep(for: limit, clock: .continuous)
      either.fire()
    }
    whenFired { either.fire() }
    await either.wait()
    timer.cancel()
    return hasFired
  }
}
