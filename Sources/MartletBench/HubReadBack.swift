import Martlet

/// Reads a partition for a look at what is in it.
final class HubReadBack: EventHandler {
  private let events: AsyncStream<[Event]>
  private let arrived: AsyncStream<[Event]>.Continuation

  init() { (events, arrived) = AsyncStream.makeStream(of: [Event].self) }

  func receive(_ events: [Event], tail: PartitionTail?) { arrived.yield(events) }
  func receive(_ loss: EventLoss) { arrived.finish() }
  func report(problem: BrokerError?) {}

  /// What comes, until somebody ends it or the patience does.
  func batches(patience: Duration) -> AsyncStream<[Event]> {
    Task { [arrived] in
      try await Task.sleep(for: patience)
      arrived.finish()
    }
    return events
  }
}
