import MartletCore

/// Waits for a word from another thread, but not for ever.
enum Latch {
  /// Calls `begin` with a closure, and returns when that was called, or at the deadline.
  static func wait(until deadline: ContinuousClock.Instant, _ begin: (@escaping @Sendable () -> Void) -> Void) async {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
    begin { continuation.finish() }
    // The other thread keeps the deadline too; this one is for a thread that the resolver holds.
    let timer = Task {
      try? await Task.sleep(until: deadline + .milliseconds(200), clock: .continuous)
      continuation.finish()
    }
    for await _ in stream {}
    timer.cancel()
  }
}
