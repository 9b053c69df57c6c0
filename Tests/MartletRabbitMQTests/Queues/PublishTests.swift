import Foundation
import MartletCore
import MartletRabbitMQ
import Testing

@Suite struct PublishTests {
  @Test(arguments: [0, 1, 100 << 10, 8 << 20])
  func bodiesOfAnySize(count: Int) async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    let body = Bytes((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) })
    try await lab.broker.publish([OutgoingMessage(to: .queue(lab.queue), body: body, id: "m")])
    let delivery = try await inbox.next()
    #expect(delivery.message.body == body)
    #expect(await consumer.complete([delivery]).isApplied)
    await lab.close()
  }

  @Test func whatCannotBePublishedDoesNoHarmToItsNeighbours() async throws {
    let lab = try await Lab.open(maxMessageBytes: 1000)
    var messages = (0..<8).map { lab.message("m\($0)", id: "m\($0)") }
    messages[1].body = Bytes(Array(repeating: 1, count: 1001))
    messages[2].headers = ["h": .string(String(repeating: "x", count: 200_000))]
    messages[3].id = String(repeating: "i", count: 256)
    // One behind the other, the first of them refused for its size.
    for index in 4...6 { messages[index].address = Address(.topic, "readings") }
    messages[4].body = messages[1].body
    let result = await withCheckedContinuation { continuation in
      lab.broker.publish(messages) { continuation.resume(returning: $0) }
    }
    #expect([1, 2, 3].allSatisfy { result.errors[$0]?.code == .tooLarge })
    #expect([4, 5, 6].allSatisfy { result.errors[$0]?.code == .configuration })
    #expect(result.errors.count == 6)
    #expect(result.errors.values.allSatisfy { !$0.isRetriable })
    let inbox = Inbox()
    _ = try await lab.consume(inbox)
    #expect(Set(try await inbox.next(2).map(\.message.id)) == ["m0", "m7"])
    await lab.close()
  }

  @Test(arguments: [DeclareMode.verify, .never])
  func aMissingQueueThatMayNotBeMadeRefusesItsEntryAlone(mode: DeclareMode) async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    let missing = lab.queue + ".missing"
    if mode == .verify {
      await #expect(throws: BrokerError.self) {
        try await lab.broker.declare(QueueDeclaration(name: missing, mode: mode))
      }
    } else {
      try await lab.broker.declare(QueueDeclaration(name: missing, mode: mode))
    }
    try await lab.broker.publish((0..<3).map { lab.message("m\($0)", id: "m\($0)") })
    let deliveries = try await inbox.next(3)
    var group = CommitGroup()
    for (index, delivery) in deliveries.enumerated() {
      group.append(
        settlement: .complete(delivery.receipt),
        outputs: [lab.message("out", id: "o\(index)", to: index == 1 ? missing : lab.queue + ".out")])
    }
    let result = await consumer.commit(group)
    #expect(result.errors.mapValues(\.code) == [1: .notFound])
    #expect(result.errors[1]?.message.contains(missing) == true)
    // The refused one is still ours.
    #expect(await consumer.settle(.retry(deliveries[1], after: .zero)).isApplied)
    #expect(try await inbox.next().attempt == 2)
    await lab.close(alsoDeleting: lab.queue + ".out")
  }

  @Test func groupsOfSeveralThousandAreConfirmed() async throws {
    let lab = try await Lab.open()
    try await lab.broker.publish((0..<5000).map { lab.message("m", id: "\($0)") })
    #expect(try await lab.broker.counts(of: lab.queue).ready == 5000)
    await lab.close()
  }
}
