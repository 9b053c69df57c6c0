import MartletCore
import MartletRedis
import Testing

@Suite struct ConsumerNameTests {
  /// A process that starts again under its old name must not find the numbers of its former commits: its own would
  /// be answered "done" and never be applied.
  @Test func aNameThatComesBackIsNotTheSameConsumer() async throws {
    let lab = try await Lab.open(instance: "shop-worker-1")
    let others = [
      try await Lab.open(instance: "shop-worker-1", queue: lab.queue),
      try await Lab.open(instance: "shop-worker-12", queue: lab.queue),
    ]
    try await lab.broker.publish((1...3).map { lab.message("\($0)") })
    for each in [lab] + others {
      let inbox = Inbox()
      let consumer = try await each.consume(inbox, prefetch: 1)
      let delivery = try await inbox.first(1)[0]
      consumer.setPrefetch(0)
      let output = each.message("out", to: lab.queue + ".out")
      #expect(await consumer.complete(delivery, outputs: [output]).isApplied)
    }
    #expect(try await lab.broker.counts(of: lab.queue + ".out").ready == 3)
    #expect(try await lab.counts { $0.unsettled == 0 } == QueueCounts())
    try await lab.broker.delete(queue: lab.queue + ".out")
    for each in others { await each.broker.close(deadline: .now + .seconds(10)) }
    await lab.close()
  }
}
