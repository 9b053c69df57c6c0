import MartletCore

/// Several events of one partition that a function gets at once, in their order.
public struct EventBatch<Body: Sendable>: Sendable, RandomAccessCollection {
  let events: [IncomingEvent<Body>]

  public var startIndex: Int { 0 }
  public var endIndex: Int { events.count }
  public subscript(position: Int) -> IncomingEvent<Body> { events[position] }

  /// Gives each event an outcome of its own.
  ///
  /// An error that `body` throws is that event's failure and goes the way of `onFailure`. Order holds: behind an event
  /// that has to be tried again nothing of the batch is run; it comes in a later batch.
  /// - Parameter body: runs for one event after another.
  public func results<each Output: Sendable>(
    _ body: (IncomingEvent<Body>) async throws -> EventOutcome<repeat each Output>
  ) async -> BatchResults<repeat each Output> {
    var results: [Result<EventOutcome<repeat each Output>, any Error>] = []
    results.reserveCapacity(events.count)
    for event in events {
      do {
        let outcome = try await body(event)
        results.append(.success(outcome))
        if outcome.isRetry { break }
      } catch {
        results.append(.failure(error))
        if !isDeadLetter(error) { break }
      }
    }
    return BatchResults(results: results)
  }

  /// Gives each event an outcome of its own, with the state of its key. What `body` does to the state of an event that
  /// fails is forgotten.
  /// - Parameters:
  ///   - states: the function's.
  ///   - body: runs for one event after another; the state is nil for a key that has none, and nil removes it.
  public func results<State, each Output: Sendable>(
    with states: inout KeyedStates<State>,
    _ body: (IncomingEvent<Body>, inout State?) async throws -> EventOutcome<repeat each Output>
  ) async -> BatchResults<repeat each Output> {
    var results: [Result<EventOutcome<repeat each Output>, any Error>] = []
    results.reserveCapacity(events.count)
    for event in events {
      do {
        var state = try states.read(event.key)
        let outcome = try await body(event, &state)
        if outcome.outcome == nil { states[event.key] = state }
        results.append(.success(outcome))
        if outcome.isRetry { break }
      } catch {
        results.append(.failure(error))
        if !isDeadLetter(error) { break }
      }
    }
    return BatchResults(results: results)
  }
}

extension EventOutcome {
  fileprivate var isRetry: Bool { if case .retry = outcome { true } else { false } }
}

/// Whether the event gets its outcome at once, so that what is behind it may run.
private func isDeadLetter(_ error: any Error) -> Bool { if case Outcome.deadLetter = error { true } else { false } }
