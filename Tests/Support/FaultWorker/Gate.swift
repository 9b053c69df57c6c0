import Martlet

/// Holds what comes to it while its process is told `hold`, until it is told `go`: by lines on the standard input. Nobody
/// who waits there heeds a cancellation.
final class Gate: Sendable {
  private struct State: Sendable {
    var isClosed = false
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Locked(State())

  /// Listens from now on.
  init() {
    NamedThread.start("gate") { [self] in
      while let word = readLine() {
        let waiting = state.withLock { state in
          state.isClosed = word == "hold"
          defer { if !state.isClosed { state.waiting = [] } }
          return state.isClosed ? [] : state.waiting
        }
        for continuation in waiting { continuation.resume() }
      }
    }.detach()
  }

  /// Goes on at once where the gate is open; otherwise says `held` with these words, and waits.
  func pass(_ words: String) async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        if state.isClosed { state.waiting.append(continuation) }
        return !state.isClosed
      }
      if isOpen { continuation.resume() } else { Words.say("held \(words)") }
    }
  }
}
