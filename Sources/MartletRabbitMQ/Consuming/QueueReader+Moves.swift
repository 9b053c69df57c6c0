import MartletCore

/// A move that the broker does not take, and when it is tried again.
struct StuckMove {
  var move: Move
  var backoff = Backoff(first: .milliseconds(200), longest: .seconds(30))
  /// Nil while it is on its way.
  var due: ContinuousClock.Instant?
}

/// Messages that a reader sends elsewhere by itself.
extension QueueReader {
  /// Sends a message elsewhere: published and confirmed, then acknowledged.
  func move(_ move: Move, _ tag: UInt64) {
    moving += 1
    let (id, generation, mailbox) = (consumer.id, consumer.generation, hub.mailbox)
    let request = PublishRequest(
      moves: [move], moveEntries: [0], fence: PublishRequest.Fence(consumer: consumer, generation: generation)
    ) { outcome in
      mailbox.send(.role(.moved(id, tag: tag, move, generation: generation, outcome)))
    }
    hub.publisher.send(.role(.publish(request)))
  }

  func moved(_ tag: UInt64, _ move: Move, _ generation: UInt32, _ outcome: PublishRequest.Outcome) {
    guard generation == consumer.generation else { return }
    moving -= 1
    guard case .published(let refused) = outcome else { return }
    if let error = refused.values.first { return hold(move, tag, error) }
    settle(tag, nil)
    stuck[tag] = nil
    if stuck.isEmpty, reportedMove != nil {
      reportedMove = nil
      logger.information("all is moved that could not be")
    }
  }

  /// Keeps what could not be moved, unsettled. Nobody runs it, so another suspect may.
  private func hold(_ move: Move, _ tag: UInt64, _ error: BrokerError) {
    endSuspect(tag)
    var entry = stuck[tag] ?? StuckMove(move: move)
    entry.due = .now + entry.backoff.next()
    stuck[tag] = entry
    if reportedMove != error.code {
      reportedMove = error.code
      logger.error("a message cannot be moved to '\(move.target)' for now, tried again: \(error.message)")
    }
  }

  /// Tries again what could not be moved. Answers when to look again. Whoever closes leaves it to the broker, which gives
  /// it back when the channel ends.
  func retryMoves(_ now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
    guard !stuck.isEmpty, closing == nil else { return nil }
    for (tag, entry) in stuck where entry.due.map({ $0 <= now }) ?? false {
      stuck[tag]?.due = nil
      move(entry.move, tag)
    }
    return stuck.values.compactMap(\.due).min()
  }
}
