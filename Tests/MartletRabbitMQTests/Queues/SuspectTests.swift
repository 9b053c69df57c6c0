import Foundation
import MartletCore
import MartletRabbitMQ
import Testing

/// What a reader that died had held.
@Suite struct SuspectTests {
  @Test func comesBackOneAtATimeWithItsDeathsCounted() async throws {
    let lab = try await Lab.open()
    try await lab.broker.publish((0..<4).map { lab.message("m", id: "m\($0)") })
    let victim = try await lab.other()
    let held = Inbox()
    _ = try await victim.consume(held, prefetch: 4)
    _ = try await held.next(4)
    await victim.crash()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox, prefetch: 4)
    for index in 0..<4 {
      let delivery = try await inbox.next()
      #expect(delivery.isSuspect)
      #expect(delivery.attempt == 2)
      #expect(inbox.deliveries.count { $0.isSuspect } == index + 1)
      // Others run meanwhile, and no second suspect does.
      try await lab.broker.publish([lab.message("fresh", id: "f\(index)")])
      let fresh = try await inbox.next()
      #expect(!fresh.isSuspect)
      #expect(fresh.attempt == 1)
      #expect(await consumer.complete([fresh]).isApplied)
      #expect(await consumer.complete([delivery]).isApplied)
    }
    #expect(Set(inbox.deliveries.map(\.message.id)).count == 8)
    await lab.close()
  }

  @Test func eachDeathCountsOnce() async throws {
    let lab = try await Lab.open()
    try await lab.broker.publish([lab.message("poison", id: "p")])
    for attempt in 1...4 {
      let victim = try await lab.other()
      let inbox = Inbox()
      _ = try await victim.consume(inbox, prefetch: 5)
      let delivery = try await inbox.next()
      #expect(delivery.attempt == attempt)
      #expect(delivery.isSuspect == (attempt > 1))
      await victim.crash()
    }
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    let delivery = try await inbox.next()
    #expect(delivery.attempt == 5)
    #expect(await consumer.settle(.retry(delivery, after: .zero)).isApplied)
    let again = try await inbox.next()
    #expect(again.attempt == 6)
    #expect(!again.isSuspect)
    await lab.close()
  }

  @Test func oneAtATimeAcrossAllQueuesOfAProcess() async throws {
    let lab = try await Lab.open()
    let queues = (0..<3).map { "\(lab.queue).\($0)" }
    let victim = try await lab.other()
    for queue in queues {
      try await lab.broker.publish([lab.message("m", id: queue, to: queue)])
      let held = Inbox()
      _ = try await victim.consume(held, queue: queue)
      _ = try await held.next()
    }
    await victim.crash()
    let inbox = Inbox()
    var consumers: [String: any QueueConsumer] = [:]
    for queue in queues { consumers[queue] = try await lab.consume(inbox, queue: queue) }
    for index in 0..<3 {
      let delivery = try await inbox.next()
      #expect(delivery.isSuspect)
      #expect(inbox.deliveries.count == index + 1)
      #expect(await consumers[delivery.message.id]?.complete([delivery]).isApplied == true)
    }
    await lab.close(alsoDeleting: queues[0], queues[1], queues[2])
  }

  @Test func aSuspectThatIsReleasedIsNoneAnyMore() async throws {
    let lab = try await Lab.open()
    try await lab.broker.publish([lab.message("m")])
    let victim = try await lab.other()
    let held = Inbox()
    _ = try await victim.consume(held)
    _ = try await held.next()
    await victim.crash()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    let suspect = try await inbox.next()
    #expect(await consumer.settle(.release(suspect)).isApplied)
    let again = try await inbox.next()
    #expect(again.attempt == suspect.attempt)
    #expect(!again.isSuspect)
    await lab.close()
  }
}
