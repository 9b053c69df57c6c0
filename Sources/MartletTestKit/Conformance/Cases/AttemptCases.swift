import Martlet

extension BrokerConformance.Case {
  static let attempts = [
    retryAtOnce, retryLater, retryKeepsAll, retryOutlives, releaseCountsNothing, closeGivesBack,
  ]

  static let retryAtOnce = Self("each retry counts one attempt") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    try await broker.publish([.text("m1", to: queue)])
    let receiver = try await trial.receiver(broker, on: queue, prefetch: 1)
    for attempt in 1...6 {
      let delivery = try await receiver.one()
      try expectEqual(delivery.attempt, attempt, "the attempt")
      try expect(!delivery.isSuspect, "a message that was settled by retry is no suspect")
      try await receiver.settle(.retry(delivery, after: .zero))
    }
    try await receiver.settle(.complete(try await receiver.one().receipt))
    await receiver.close()
    try await trial.becomesEmpty(queue, on: broker)
  }

  static let retryLater = Self("a delayed retry waits outside of the prefetch and comes in time") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    try await broker.publish([.text("m1", to: queue), .text("m2", to: queue)])
    let receiver = try await trial.receiver(broker, on: queue, prefetch: 1)
    let first = try await receiver.one()
    let start = ContinuousClock.now
    try await receiver.settle(.retry(first, after: .seconds(2)))
    let second = try await receiver.one()
    try expectEqual(second.message.id, "m2", "the message that comes while the first one waits")
    try await receiver.settle(.complete(second.receipt))
    let again = try await receiver.one()
    let time = ContinuousClock.now - start
    try expectEqual(again.message.id, "m1", "the message that comes back")
    try expectEqual(again.attempt, 2, "its attempt")
    try expect(time >= .milliseconds(1995), "it should not come before 2 s; it came after \(time)")
    let limit = Duration.seconds(2) + trial.suite.promptness
    try expect(time <= limit, "it should come after about 2 s; it came after \(time)")
  }

  static let retryKeepsAll = Self("a retried message keeps its id, key, headers and trace") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    let sent = OutgoingMessage(
      to: .queue(queue), body: Bytes([0, 255]), id: "m1", contentType: .json, key: "k", headers: ["a": "ü", "b": "2"],
      trace: .start(), timeToLive: .seconds(900))
    try await broker.publish([sent])
    let receiver = try await trial.receiver(broker, on: queue, prefetch: 1)
    let first = try await receiver.one()
    var delivery = first
    for delay in [Duration.zero, .milliseconds(50)] {
      try await receiver.settle(.retry(delivery, after: delay))
      delivery = try await receiver.one()
      try expectEqual(delivery.message.body, sent.body, "the body")
      try expectEqual(delivery.message.id, "m1", "the id")
      try expectEqual(delivery.message.contentType, .json, "the content type")
      try expectEqual(delivery.message.key, "k", "the key")
      try expectEqual(delivery.message.headers, first.message.headers, "the headers")
      try expectEqual(delivery.message.trace, sent.trace, "the trace context")
      try expectEqual(delivery.message.expiresAt, first.message.expiresAt, "the end of its time to live")
    }
    try expectEqual(delivery.attempt, 3, "the attempt")
  }

  static let retryOutlives = Self("the attempts of a waiting message outlive its reader", needs: [.persistence]) {
    trial in
    let queue = trial.queue()
    let first = try await trial.broker("first")
    try await first.publish([.text("now", to: queue), .text("later", to: queue)])
    let receiver = try await trial.receiver(first, on: queue, prefetch: 2)
    var deliveries = try await receiver.next(2)
    for _ in 0..<2 {
      try await receiver.settle(deliveries.map { .retry($0, after: .zero) })
      deliveries = try await receiver.next(2)
    }
    receiver.setPrefetch(0)
    try await receiver.settle(deliveries.map { .retry($0, after: $0.message.id == "now" ? .zero : .seconds(1)) })
    await first.close(deadline: trial.deadline)
    let second = try await trial.receiver(try await trial.broker("second"), on: queue, prefetch: 2)
    let again = try await second.next(2)
    try expectEqual(Set(again.ids), ["now", "later"], "the messages")
    for delivery in again { try expectEqual(delivery.attempt, 4, "the attempt of \(delivery.message.id)") }
  }

  static let releaseCountsNothing = Self("a released message comes back as if it had never been handed out") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    try await broker.publish([.text("m1", to: queue), .text("m2", to: queue)])
    let receiver = try await trial.receiver(broker, on: queue, prefetch: 2)
    for _ in 0..<3 {
      for delivery in try await receiver.next(2) {
        try expectEqual(delivery.attempt, 1, "the attempt of a released message")
        try expect(!delivery.isSuspect, "a released message is no suspect")
        try await receiver.settle(.release(delivery))
      }
    }
    let deliveries = try await receiver.next(2)
    try await receiver.settle(deliveries.map { .retry($0, after: .zero) })
    for _ in 0..<2 {
      let again = try await receiver.next(2)
      for delivery in again { try expectEqual(delivery.attempt, 2, "the attempt after a retry and a release") }
      try await receiver.settle(again.map { .release($0) })
    }
  }

  static let closeGivesBack = Self("a consumer that closes gives back what it holds, at once") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    try await broker.publish((0..<10).map { .text("m\($0)", to: queue) })
    let first = try await trial.receiver(broker, on: queue, prefetch: 6)
    let held = try await first.next(6)
    try await first.settle(held[..<2].map { .complete($0.receipt) })
    await first.close()
    let start = ContinuousClock.now
    let second = try await trial.receiver(broker, on: queue, prefetch: 10)
    var received: [String] = []
    while received.count < 8 {
      let batch = await second.batch(until: trial.deadline)
      try expect(!batch.isEmpty, "8 messages should come, \(received.count) came in time")
      received += batch.ids
      try await second.settle(batch.map { .complete($0.receipt) })
    }
    let time = ContinuousClock.now - start
    try expectEqual(Set(received), Set((0..<10).map { "m\($0)" }).subtracting(held[..<2].ids), "what was left")
    try expect(
      time < max(trial.suite.lease, trial.suite.promptness), "it took \(time): as long as the lease of a dead consumer")
  }
}
