import MartletCore

/// A consumer's handle: everything happens on the connection thread.
final class EmbeddedConsumer: QueueConsumer {
  private let id: Int
  private let inbox: Mailbox<Request>

  init(id: Int, inbox: Mailbox<Request>) {
    self.id = id
    self.inbox = inbox
  }

  func setPrefetch(_ count: Int) { inbox.send(.setPrefetch(consumer: id, count: count)) }

  func commit(_ group: CommitGroup, completion: @escaping @Sendable (CommitResult) -> Void) {
    guard !group.isEmpty else { return completion(.applied) }
    if !inbox.send(.work(.commit(consumer: id, group, completion))) { completion(.ownershipLost) }
  }

  func close(deadline: ContinuousClock.Instant) async {
    await Deadline.wait(until: deadline) { done in
      if !inbox.send(.work(.closeConsumer(id, done))) { done() }
    }
  }
}
