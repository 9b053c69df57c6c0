import Foundation
import MartletCore
import MartletRedis
import Testing

@Suite struct DelayTests {
  /// The sender and the receiver know nothing of each other: the receiver sleeps, and must be woken for a time that is
  /// earlier than it knows of.
  @Test func anEarlierDueTimeWakesASleepingConsumer() async throws {
    let lab = try await Lab.open(lease: .seconds(600))
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    let sender = try await Lab.open(queue: lab.queue)
    for wait in [30.0, 1.0, 0.3] {
      var message = sender.message("\(wait)", id: "in \(wait)")
      message.deliverAt = Date(timeIntervalSinceNow: wait)
      try await sender.broker.publish([message])
    }
    let deliveries = try await inbox.first(2, within: .seconds(20))
    #expect(Set(deliveries.map(\.message.id)) == ["in 0.3", "in 1.0"])
    for delivery in deliveries { #expect(await consumer.complete(delivery).isApplied) }
    #expect(try await lab.counts { $0.unsettled == 0 && $0.ready == 0 } == QueueCounts(delayed: 1))
    await sender.broker.close(deadline: .now + .seconds(5))
    await lab.close()
  }

  @Test func outputsOfACommitCanWait() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    try await lab.broker.publish([lab.message("a", id: "a")])
    let delivery = try await inbox.first(1)[0]
    var output = lab.message("b", id: "b")
    output.deliverAt = Date(timeIntervalSinceNow: 0.2)
    output.key = "k"
    #expect(await consumer.complete(delivery, outputs: [output, lab.message("c", id: "c")]).isApplied)
    let next = try await inbox.first(3)
    #expect(next.map(\.message.id) == ["a", "c", "b"])
    #expect(next[2].message.key == "k")
    await lab.close()
  }

  @Test func retriesComeInTheirTime() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    try await lab.broker.publish([lab.message("a", id: "a")])
    var delivery = try await inbox.first(1)[0]
    for attempt in 2...4 {
      let begin = ContinuousClock.now
      #expect(await consumer.settle(.retry(delivery, after: .milliseconds(200))).isApplied)
      delivery = try await inbox.first(attempt)[attempt - 1]
      #expect(delivery.attempt == attempt)
      #expect(ContinuousClock.now - begin >= .milliseconds(195))
    }
    await lab.close()
  }

  @Test func whatIsNotOursAmongTheDelayedHoldsUpNobody() async throws {
    let lab = try await Lab.open()
    try lab.redis("ZADD", "{\(lab.queue)}:delayed", "1", "stranger")
    var message = lab.message("a", id: "a")
    message.deliverAt = .now
    try await lab.broker.publish([message])
    let inbox = Inbox()
    _ = try await lab.consume(inbox)
    let bodies = Set(try await inbox.first(2).map(\.message.body))
    #expect(bodies == [Bytes("stranger"), Bytes("a")])
    await lab.close()
  }
}
