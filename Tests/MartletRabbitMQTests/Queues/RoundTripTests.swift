import Foundation
import MartletCore
import MartletRabbitMQ
import Testing

@Suite struct RoundTripTests {
  @Test func aMessageArrivesOnceWithAllThatWasSaid() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    var message = lab.message("hello", id: "id-1")
    message.key = "customer-7"
    message.trace = TraceContext(traceID: 7, spanID: 9, state: "a=1")
    message.contentType = ContentType("text/csv")
    message.headers = ["color": "red", "number": 42, "CC": .array(["elsewhere"]), "martlet-attempts": 99]
    try await lab.broker.publish([message])
    let delivery = try await inbox.next()
    #expect(delivery.message.body == "hello".bytes)
    #expect(delivery.message.id == "id-1")
    #expect(delivery.message.key == "customer-7")
    #expect(delivery.message.trace == message.trace)
    #expect(delivery.message.contentType == ContentType("text/csv"))
    #expect(Set(delivery.message.headers) == Set(message.headers))
    #expect(delivery.attempt == 1)
    #expect(!delivery.isSuspect)
    #expect(abs(delivery.message.enqueuedAt?.timeIntervalSinceNow ?? 99) < 30)
    #expect(await consumer.complete([delivery]).isApplied)
    #expect(try await lab.wait("nothing unsettled") { $0.unsettled == 0 } == QueueCounts())
    await lab.close()
  }

  @Test func outputsAreDurableBeforeTheInputIsSettled() async throws {
    let lab = try await Lab.open()
    let outputs = lab.queue + ".out"
    let (inbox, outbox) = (Inbox(), Inbox())
    let consumer = try await lab.consume(inbox)
    try await lab.broker.publish([lab.message("in", id: "in")])
    let delivery = try await inbox.next()
    #expect(
      await consumer.complete([delivery], outputs: [lab.message("out", id: "in/1", to: outputs)]).isApplied)
    let reader = try await lab.consume(outbox, queue: outputs)
    let output = try await outbox.next()
    #expect(output.message.id == "in/1")
    #expect(await reader.complete([output]).isApplied)

    await lab.close()
  }

  @Test func manyMessagesInGroups() async throws {
    let lab = try await Lab.open()
    let count = 20_000
    let refusals = Locked(0)
    let consumerBox = Locked<(any QueueConsumer)?>(nil)
    let inbox = Inbox { deliveries in
      let consumer = consumerBox.withLock { $0 }
      var group = CommitGroup()
      for delivery in deliveries {
        group.append(settlement: .complete(delivery.receipt), outputs: [])
      }
      consumer?.commit(group) { result in if !result.isApplied { refusals.withLock { $0 += 1 } } }
    }
    for batch in 0..<(count / 500) {
      try await lab.broker.publish((0..<500).map { lab.message("body", id: "\(batch)-\($0)") })
    }
    let consumer = try await lab.consume(inbox, prefetch: 0)
    consumerBox.withLock { $0 = consumer }
    consumer.setPrefetch(300)
    try await inbox.wait { $0.deliveries.count >= count }
    #expect(Set(inbox.deliveries.map(\.message.id)).count == count)
    #expect(try await lab.wait("an empty queue") { $0.unsettled == 0 && $0.ready == 0 } == QueueCounts())
    #expect(refusals.withLock { $0 } == 0)
    await consumer.close(deadline: .now + .seconds(10))
    await lab.close()
  }
}

extension String {
  var bytes: Bytes { Bytes(self) }
}
