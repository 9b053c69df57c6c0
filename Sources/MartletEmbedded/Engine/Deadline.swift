import MartletCore

/// A wait that ends at its deadline, though the connection thread may hang in the disk.
enum Deadline {
  /// Runs `begin` and returns when it calls back, or at the deadline.
  static func wait(until deadline: ContinuousClock.Instant, _ begin: (@escaping @Sendable () -> Void) -> Void) async {
    let once = Once()
    let timer = Task {
      try? await Task.sleep(until: deadline, clock: .continuous)
      once.finish()
    }
    await withCheckedContinuation { continuation in
      once.set(continuation)
      begin { once.finish() }
    }
    timer.cancel()
  }

  /// Resumes a continuation at the first of several ends.
  private final class Once: Sendable {
    private let state = Locked<(continuation: CheckedContinuation<Void, Never>?, isFinished: Bool)>((nil, false))

    func set(_ continuation: CheckedContinuation<Void, Never>) {
      let isFinished = state.withLock { state in
        if !state.isFinished { state.continuation = continuation }
        return state.isFinished
      }
      if isFinished { continuation.resume() }
    }

    func finish() {
      let continuation = state.withLock { state in
        defer { state = (nil, true) }
        return state.continuation
      }
      continuation?.resume()
    }
  }
}
