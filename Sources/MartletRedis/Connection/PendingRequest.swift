import MartletCore

/// A request that is asked until it has its answers: over reconnects, and again when the server is busy or full.
final class PendingRequest {
  private let write: (inout RequestBuffer, Scripts) -> Int
  private let onReply: (Reply, RedisLoop) -> Outcome
  private let onAbandon: () -> Void
  private var backoff = Backoff(first: .milliseconds(100), longest: .seconds(2))
  private var open = 0
  private var mustRepeat = false
  var isSent = false
  /// When it is asked again; nil is not by the clock.
  private(set) var retryAt: ContinuousClock.Instant?

  enum Outcome {
    case done
    /// The server could not, for now.
    case again
  }

  /// - Parameters:
  ///   - write: writes the commands and says how many there are.
  ///   - onReply: called for each reply, in order; after a cut, again from the first command that `write` wrote then.
  ///   - onAbandon: called when the broker is closed before all replies have come.
  init(
    write: @escaping (inout RequestBuffer, Scripts) -> Int, onReply: @escaping (Reply, RedisLoop) -> Outcome,
    onAbandon: @escaping () -> Void
  ) {
    self.write = write
    self.onReply = onReply
    self.onAbandon = onAbandon
  }

  /// - Parameters:
  ///   - call: the only command.
  ///   - onReply: called for its reply. A script that the server has forgotten is asked again before.
  convenience init(_ call: RedisCall, onReply: @escaping (Reply, RedisLoop) -> Outcome) {
    self.init(
      write: { buffer, scripts in
        call.write(to: &buffer, scripts)
        return 1
      },
      onReply: { reply, loop in
        reply.error?.hasPrefix("NOSCRIPT") == true ? .again : onReply(reply, loop)
      },
      onAbandon: {})
  }

  func isDue(_ now: ContinuousClock.Instant) -> Bool { retryAt.map { $0 <= now } ?? false }

  /// Writes it, and answers how many replies will come.
  func send(to buffer: inout RequestBuffer, _ scripts: Scripts) -> Int {
    retryAt = nil
    isSent = true
    mustRepeat = false
    open = write(&buffer, scripts)
    return open
  }

  func handle(_ reply: Reply, _ loop: RedisLoop) {
    if case .again = onReply(reply, loop) { mustRepeat = true }
    open -= 1
    guard open == 0 else { return }
    if mustRepeat {
      retryAt = .now + backoff.next()
    } else {
      loop.finish(self)
    }
  }

  func abandon() { onAbandon() }
}
