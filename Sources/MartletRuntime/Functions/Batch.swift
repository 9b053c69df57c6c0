import MartletCore

/// Several messages that a function gets at once, in the order of the queue.
public struct Batch<Body: Sendable>: Sendable, RandomAccessCollection {
  let messages: [Incoming<Body>]

  public var startIndex: Int { 0 }
  public var endIndex: Int { messages.count }
  public subscript(position: Int) -> Incoming<Body> { messages[position] }

  /// Gives each message an outcome of its own: one bad message does not fail its neighbours.
  ///
  /// An error that `body` throws is that message's failure, and goes the way of the function's retry policy.
  /// - Parameter body: runs for one message after another.
  public func results<each Output: Sendable>(
    _ body: (Incoming<Body>) async throws -> EventOutcome<repeat each Output>
  ) async -> BatchResults<repeat each Output> {
    var results: [Result<EventOutcome<repeat each Output>, any Error>] = []
    results.reserveCapacity(messages.count)
    for message in messages {
      do { results.append(.success(try await body(message))) } catch { results.append(.failure(error)) }
    }
    return BatchResults(results: results)
  }
}

/// What became of each message of a batch; made by `Batch.results`.
public struct BatchResults<each Output: Sendable>: Sendable {
  let results: [Result<EventOutcome<repeat each Output>, any Error>]
}

/// What became of one message of a batch.
public struct EventOutcome<each Output: Sendable>: Sendable {
  /// The outputs of a success; an enum cannot hold a pack.
  let outputs: (repeat each Output)?
  /// What else became of it.
  let outcome: Outcome?

  /// Done; the outputs go where the function's bindings say.
  public static func success(_ outputs: repeat each Output) -> EventOutcome {
    EventOutcome(outputs: (repeat each outputs), outcome: nil)
  }

  /// Try this one again. `after` is the wait; default is the function's retry policy.
  public static func retry(after delay: Duration? = nil) -> EventOutcome {
    EventOutcome(outputs: nil, outcome: .retry(after: delay))
  }

  /// To the dead letters, with the reason.
  public static func deadLetter(_ reason: String) -> EventOutcome {
    EventOutcome(outputs: nil, outcome: .deadLetter(reason))
  }
}
