import Martlet

extension BrokerConformance.Case {
  static let closes = [completedBeforeClose, completedBeforeConsumerClose]

  static let completedBeforeClose = Self(
    "what was completed before a broker was closed never comes back", needs: [.persistence]
  ) { trial in
    let (broker, queue) = (try await trial.broker("first"), trial.queue())
    let receiver = try await trial.completeAll(2000, in: queue, of: broker)
    await broker.close(deadline: trial.deadline)
    await receiver.close()
    try await trial.expectEmptied(queue, at: try await trial.broker("second"))
  }

  static let completedBeforeConsumerClose = Self("what was completed before a reader was closed never comes back") {
    trial in
    let (broker, queue) = (try await trial.broker("first"), trial.queue())
    let receiver = try await trial.completeAll(2000, in: queue, of: broker)
    await receiver.close()
    // As a process that ends does; where nothing outlives the broker object, it reads on.
    if trial.features.isPersistent { await broker.close(deadline: trial.deadline) }
    try await trial.expectEmptied(queue, at: trial.features.isPersistent ? try await trial.broker("second") : broker)
  }
}

extension Trial {
  /// Fills a queue, completes all of it in groups of many sizes, and returns in the moment of the last answer: what the
  /// broker still has on its way is on its way then.
  func completeAll(_ count: Int, in queue: String, of broker: any BrokerAdministration) async throws -> Receiver {
    for start in stride(from: 0, to: count, by: 500) {
      try await broker.publish((start..<min(start + 500, count)).map { .text("m\($0)", to: queue) })
    }
    let receiver = try await receiver(broker, on: queue, prefetch: 200)
    let answers = Observed((applied: 0, other: [String]()))
    let deadline = deadline
    var (handedIn, size) = (0, 1)
    while handedIn < count {
      let batch = await receiver.batch(until: deadline)
      try expect(!batch.isEmpty, "\(count) messages should come, \(handedIn) came in time")
      for start in stride(from: 0, to: batch.count, by: size) {
        var group = CommitGroup()
        for delivery in batch[start..<min(start + size, batch.count)] {
          group.append(settlement: .complete(delivery.receipt), outputs: [])
        }
        let settled = group.entries.count
        try receiver.begin(group) { result in
          answers.update { answers in
            if case .applied = result { answers.applied += settled } else { answers.other.append("\(result)") }
          }
        }
      }
      handedIn += batch.count
      size = size % 100 + 33
    }
    let isDone: Bool? = await answers.wait(until: deadline) { $0.applied >= count || !$0.other.isEmpty ? true : nil }
    let (applied, other) = answers.value
    try expect(
      isDone != nil && other.isEmpty, "\(count) completions should be applied; \(applied) were, others were \(other)")
    return receiver
  }

  /// Holds that nothing of a queue is left or comes.
  func expectEmptied(_ queue: String, at broker: any BrokerAdministration) async throws {
    let receiver = try await receiver(broker, on: queue, prefetch: 200)
    try await receiver.nothing(for: .milliseconds(500), because: "every message was completed, and that was answered")
    try await becomesEmpty(queue, on: broker)
    try await receiver.nothing(for: .milliseconds(200), because: "the queue is empty")
    await receiver.close()
  }
}
