import Martlet

extension BrokerConformance.Case {
  static let consumers = [prefetch, prefetchZero, competing, competingBrokers, flushOnClose, reopened, closedBroker]

  static let prefetch = Self("the prefetch bounds what is unsettled, and can be changed") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    try await broker.publish((0..<40).map { .text("m\($0)", to: queue) })
    let receiver = try await trial.receiver(broker, on: queue, prefetch: 5)
    let first = try await receiver.next(5)
    try await receiver.nothing(for: .milliseconds(300), because: "the prefetch is 5")
    try await receiver.settle(first[..<2].map { .complete($0.receipt) })
    let second = try await receiver.next(2)
    try await receiver.nothing(for: .milliseconds(300), because: "the prefetch is 5 and 2 were settled")
    try expect(receiver.peakUnsettled <= 5, "the prefetch is 5; \(receiver.peakUnsettled) were unsettled")
    receiver.setPrefetch(12)
    let third = try await receiver.next(7)
    try await receiver.nothing(for: .milliseconds(300), because: "the prefetch is 12")
    receiver.setPrefetch(3)
    let held = first[2...] + second + third
    try await receiver.settle(held.prefix(9).map { .complete($0.receipt) })
    try await receiver.nothing(for: .milliseconds(300), because: "the prefetch fell to 3 and 3 are unsettled")
    try await receiver.settle(held.dropFirst(9).map { .complete($0.receipt) })
    _ = try await receiver.next(3)
    try await receiver.nothing(for: .milliseconds(300), because: "the prefetch is 3")
  }

  static let prefetchZero = Self("a prefetch of zero stops the intake until it is raised") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    try await broker.publish((0..<10).map { .text("m\($0)", to: queue) })
    let receiver = try await trial.receiver(broker, on: queue, prefetch: 2)
    let held = try await receiver.next(2)
    receiver.setPrefetch(0)
    try await receiver.settle(held.map { .complete($0.receipt) })
    // What was on its way may still arrive.
    let onItsWay = await receiver.batch(until: .now + .milliseconds(300))
    try expect(onItsWay.count <= 2, "at most 2 messages can have been on their way; \(onItsWay.count) came")
    try await receiver.settle(onItsWay.map { .complete($0.receipt) })
    try await receiver.nothing(for: .milliseconds(300), because: "the prefetch is zero")
    receiver.setPrefetch(20)
    _ = try await receiver.next(8 - onItsWay.count)
  }

  static let competing = Self("consumers of one process share a queue; none gets what another has") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    try await trial.share(queue, sender: broker, readers: [broker, broker])
  }

  static let competingBrokers = Self("consumers of several processes share a queue", needs: [.sharing]) { trial in
    let queue = trial.queue()
    let brokers = [try await trial.broker("a"), try await trial.broker("b"), try await trial.broker("c")]
    try await trial.share(queue, sender: brokers[0], readers: brokers)
  }

  static let flushOnClose = Self("closing finishes what was handed in") { trial in
    let (broker, queue) = (try await trial.broker("main"), trial.queue())
    try await broker.declare(QueueDeclaration(name: queue))
    let applied = Observed(0)
    for index in 0..<200 {
      broker.publish([.text("m\(index)", to: queue)]) { result in
        if case .applied = result { applied.update { $0 += 1 } }
      }
    }
    await broker.close(deadline: trial.deadline)
    try expectEqual(applied.value, 200, "the messages that were confirmed when the broker was closed")
    guard trial.features.isPersistent else { return }
    try await trial.eventually("200 messages are ready") {
      try await trial.broker("reader").counts(of: queue).ready == 200
    }
  }

  static let reopened = Self("messages outlive the broker object that published them", needs: [.persistence]) { trial in
    let queue = trial.queue()
    let first = try await trial.broker("first")
    try await first.publish([.text("m1", to: queue, body: "kept")])
    await first.close(deadline: trial.deadline)
    let delivery = try await trial.receiver(try await trial.broker("second"), on: queue, prefetch: 1).one()
    try expectEqual(delivery.message.body, Bytes("kept"), "the body")
    try expectEqual(delivery.attempt, 1, "the attempt")
  }

  static let closedBroker = Self("a closed broker answers every call, and does nothing") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    let receiver = try await trial.receiver(broker, on: queue, prefetch: 1)
    await broker.close(deadline: trial.deadline)
    await broker.close(deadline: trial.deadline)
    do {
      try await broker.publish([.text("m1", to: queue)])
      throw ConformanceFailure("a closed broker should not confirm a message")
    } catch let error as BrokerError {
      try expectEqual(error.code, .closed, "the error's code (\(error))")
    }
    var group = CommitGroup()
    group.append(settlements: [], outputs: [.text("m2", to: queue)])
    if case .applied = try await receiver.commit(group) {
      throw ConformanceFailure("a closed broker should not apply a commit")
    }
    await receiver.close()
  }
}

extension Trial {
  /// Holds that readers that settle nothing have all messages between them, each its share.
  func share(_ queue: String, sender: any BrokerAdministration, readers: [any BrokerAdministration]) async throws {
    var receivers: [Receiver] = []
    for reader in readers { receivers.append(try await receiver(reader, on: queue, prefetch: 10)) }
    let count = 10 * readers.count
    try await sender.publish((0..<count + 5).map { .text("m\($0)", to: queue) })
    var held: [Delivery] = []
    for receiver in receivers { held += try await receiver.next(10) }
    try expectEqual(Set(held.ids).count, count, "the number of different messages that \(readers.count) readers hold")
    for receiver in receivers {
      try await receiver.nothing(for: .milliseconds(100), because: "its prefetch is full")
    }
  }
}
