extension Broker {
  /// Publishes and waits until all messages are durable.
  /// - Throws: the first refusal. Then the other messages are durable all the same. `cancelled` when the task is
  ///   cancelled meanwhile: nobody knows then whether they are.
  public func publish(_ messages: [OutgoingMessage]) async throws(BrokerError) {
    let answer = CancellableAnswer<CommitResult>()
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        answer.await(continuation)
        publish(messages) { answer.give($0) }
      }
    } onCancel: {
      answer.give(nil)
    }
    switch result {
    case nil:
      throw BrokerError(
        .cancelled, "the wait for the broker's confirm was cancelled; the messages may be sent all the same",
        isRetriable: false)
    case .applied: return
    case .ownershipLost:
      throw BrokerError(.closed, "the broker was closed before it confirmed the messages", isRetriable: true)
    case .refused(let errors):
      if let error = errors.min(by: { $0.key < $1.key })?.value { throw error }
    }
  }
}

extension QueueConsumer {
  /// Applies a group and waits for the answer.
  public func commit(_ group: CommitGroup) async -> CommitResult {
    await withCheckedContinuation { continuation in commit(group) { continuation.resume(returning: $0) } }
  }
}

/// The first of an answer and a cancellation; nil stands for the latter.
private final class CancellableAnswer<Value: Sendable>: Sendable {
  private enum State: Sendable {
    case nothing
    case waiting(CheckedContinuation<Value?, Never>)
    case given(Value?)
  }

  private let state = Locked(State.nothing)

  func await(_ continuation: CheckedContinuation<Value?, Never>) {
    let early: Value?? = state.withLock { state in
      if case .given(let value) = state { return .some(value) }
      state = .waiting(continuation)
      return .none
    }
    if let early { continuation.resume(returning: early) }
  }

  func give(_ value: Value?) {
    let waiting = state.withLock { state -> CheckedContinuation<Value?, Never>? in
      switch state {
      case .nothing: state = .given(value)
      case .waiting(let continuation):
        state = .given(value)
        return continuation
      case .given: break
      }
      return nil
    }
    waiting?.resume(returning: value)
  }
}
