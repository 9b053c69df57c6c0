import MartletCore

/// The runtime's handle of a `QueueReader`.
final class RedisConsumer: QueueConsumer {
  private let mailbox: Mailbox<RedisLoop.Job>
  private let id: Int

  init(id: Int, mailbox: Mailbox<RedisLoop.Job>) {
    self.id = id
    self.mailbox = mailbox
  }

  private func post(_ job: @escaping @Sendable (QueueReader) -> Void, orElse: @escaping @Sendable () -> Void) {
    let id = id
    let isTaken = mailbox.send { loop in
      if let reader = loop.reader(id) { job(reader) } else { orElse() }
    }
    if !isTaken { orElse() }
  }

  func setPrefetch(_ count: Int) {
    post({ $0.setPrefetch(count) }, orElse: {})
  }

  func commit(_ group: CommitGroup, completion: @escaping @Sendable (CommitResult) -> Void) {
    post({ $0.commit(group, completion: completion) }, orElse: { completion(.ownershipLost) })
  }

  func close(deadline: ContinuousClock.Instant) async {
    let id = id
    await withCheckedContinuation { continuation in
      let once = Once { continuation.resume() }
      let isTaken = mailbox.send { loop in
        guard let reader = loop.reader(id) else { return once.fire() }
        let end = { [unowned loop] in
          reader.abandon()
          loop.remove(reader)
          once.fire()
        }
        loop.at(deadline, end)
        reader.close(completion: end)
      }
      if !isTaken { once.fire() }
    }
  }
}

/// Runs an action the first time only.
final class Once: Sendable {
  private let action: Locked<(@Sendable () -> Void)?>

  init(_ action: @escaping @Sendable () -> Void) { self.action = Locked(action) }

  func fire() {
    let action = action.withLock { action in
      defer { action = nil }
      return action
    }
    action?()
  }
}
