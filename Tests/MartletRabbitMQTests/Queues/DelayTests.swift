import Foundation
import MartletCore
import MartletRabbitMQ
import Testing

@Suite struct DelayTests {
  @Test func delaysAreKeptToTheHundredth() async throws {
    let lab = try await Lab.open()
    let arrivals = Locked<[String: Date]>([:])
    let inbox = Inbox { deliveries in
      let now = Date()
      arrivals.withLock { arrivals in for delivery in deliveries { arrivals[delivery.message.id] = now } }
    }
    _ = try await lab.consume(inbox, prefetch: 200)
    // The ladder and the queue's place below it are made before the clock runs.
    try await lab.broker.publish([lab.message("warm", id: "warm", deliverAt: Date().addingTimeInterval(0.05))])
    _ = try await inbox.next()
    let delays = [0.01, 0.1, 0.25, 0.5, 1, 1.5]
    var latest = Double.infinity
    // A busy machine may spoil a round, but not ten.
    for round in 0..<10 where latest > 0.15 {
      let start = Date()
      try await lab.broker.publish(
        delays.map { lab.message("m", id: "\(round) \($0)", deliverAt: start.addingTimeInterval($0)) })
      _ = try await inbox.next(delays.count)
      let late = try delays.map { delay in
        try #require(arrivals.withLock { $0["\(round) \(delay)"] }).timeIntervalSince(start) - delay
      }
      #expect(late.allSatisfy { $0 > -0.002 })
      latest = late.max() ?? 0
    }
    #expect(latest <= 0.15)
    await lab.close()
  }

  @Test(arguments: [Double.infinity, 1e21, 1e30])
  func aTimeThatNeverComesIsWaitedFor(seconds: Double) async throws {
    let lab = try await Lab.open()
    let never = Date(timeIntervalSince1970: seconds)
    try await lab.broker.publish([lab.message("never", deliverAt: never), lab.message("now", id: "now")])
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    let delivery = try await inbox.next()
    #expect(delivery.message.id == "now")
    #expect(await consumer.settle(.retry(delivery, after: .seconds(Int64.max))).isApplied)
    #expect(try await lab.broker.counts(of: lab.queue).ready == 0)
    await lab.close()
  }

  @Test func similarNamesGetTheirOwn() async throws {
    let lab = try await Lab.open()
    let inner = "eu." + lab.queue
    let (outbox, inbox) = (Inbox(), Inbox())
    _ = try await lab.consume(outbox)
    _ = try await lab.consume(inbox, queue: inner)
    try await lab.broker.publish([
      lab.message("m", id: "inner", to: inner, deliverAt: Date().addingTimeInterval(0.2)),
      lab.message("m", id: "outer", deliverAt: Date().addingTimeInterval(0.4)),
    ])
    #expect(try await outbox.next().message.id == "outer")
    #expect(try await inbox.next().message.id == "inner")
    #expect(outbox.deliveries.count == 1 && inbox.deliveries.count == 1)
    await lab.close(alsoDeleting: inner)
  }

  @Test func whatIsDelayedForADeletedQueueIsKeptAside() async throws {
    let lab = try await Lab.open()
    var (id, number) = ("", 0)
    // The queue has to be gone when its time comes: one that is just being deleted takes it, and RabbitMQ sends it again
    // only when it has waited for the confirm. Where others keep the broker busy, that takes more than one try.
    var isInTime = false
    while !isInTime {
      number += 1
      try #require(number <= 10)
      id = "\(lab.queue).\(number)"
      let due = Date().addingTimeInterval(8)
      try await lab.broker.publish([lab.message("m", id: id, deliverAt: due)])
      try await lab.broker.delete(queue: lab.queue)
      isInTime = Date().addingTimeInterval(3) < due
    }
    let inbox = Inbox()
    let reader = try await lab.consume(inbox, prefetch: 1000, mode: .never, queue: "martlet.delay.unroutable")
    try await inbox.wait { [id] state in state.deliveries.contains { $0.message.id == id } }
    for delivery in inbox.deliveries { _ = await reader.complete([delivery]) }
    await lab.close()
  }

  @Test func aTimeBeyondTheLadderGoesThroughItAgain() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    _ = try await lab.consume(inbox)
    // What a first pass of 15 days would deliver: a message that says it is not due yet.
    let due = Date().addingTimeInterval(0.5)
    let stranger = try Stranger(try await SharedServerURL.value())
    let text = String(Int64(due.timeIntervalSince1970 * 1000))
    let field = Stranger.field("martlet-deliver-at", "S", Stranger.length(text.utf8.count) + Array(text.utf8))
    try stranger.publish(to: lab.queue, flags: 1 << 13, properties: Stranger.table(field), body: [1])
    let delivery = try await inbox.next()
    #expect(Date() >= due.addingTimeInterval(-0.002))
    #expect(delivery.attempt == 1)
    await lab.close()
  }
}
