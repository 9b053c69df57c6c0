import MartletCore

/// Reads a few events of a partition, once.
final class EventPeek: EventHandler {
  /// What came.
  enum Answer: Sendable {
    /// As many as were asked for, or those that came in time.
    case events([Event])
    /// What should have come is not there.
    case loss(EventLoss)
  }

  private let count: Int
  private let answers: AsyncStream<Answer>
  private let continuation: AsyncStream<Answer>.Continuation

  init(count: Int) {
    self.count = count
    (answers, continuation) = AsyncStream.makeStream()
  }

  func receive(_ events: [Event], tail: PartitionTail?) { continuation.yield(.events(events)) }
  func receive(_ loss: EventLoss) { continuation.yield(.loss(loss)) }
  /// The broker keeps trying, until the time is over.
  func report(problem: BrokerError?) {}

  /// Waits for the events.
  func answer(atMost limit: Duration) async -> Answer {
    let end = Task { [continuation] in
      try? await Task.sleep(for: limit)
      continuation.finish()
    }
    defer { end.cancel() }
    var events: [Event] = []
    for await answer in answers {
      switch answer {
      case .events(let more):
        events += more
        if events.count >= count { return .events(events) }
      case .loss: return answer
      }
    }
    return .events(events)
  }
}
