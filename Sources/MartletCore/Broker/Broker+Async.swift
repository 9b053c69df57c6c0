extension Broker {
  /// Publishes and waits until all messages are durable.
  /// - Throws: the first refusal. Then the other messages are durable all the same.
  public func publish(_ messages: [OutgoingMessage]) async throws(BrokerError) {
    let result = await withCheckedContinuation { continuation in
      publish(messages) { continuation.resume(returning: $0) }
    }
    switch result {
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
