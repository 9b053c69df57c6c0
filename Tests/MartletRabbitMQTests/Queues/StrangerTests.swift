import Foundation
import MartletCore
import MartletRabbitMQ
import MartletTestKit
import TestServers
import Testing

enum SharedServerURL {
  static func value() async throws -> String { try await SharedServer.rabbitMQURL() }
}

/// Messages and queues of other programs.
@Suite struct StrangerTests {
  @Test func bareMessagesAreDelivered() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    let stranger = try Stranger(try await SharedServerURL.value())
    for _ in 0..<2 { try stranger.publish(to: lab.queue, body: Array("same".utf8)) }
    let deliveries = try await inbox.next(2)
    #expect(deliveries.allSatisfy { $0.message.body == "same".bytes && $0.message.headers.isEmpty })
    #expect(deliveries.allSatisfy { $0.message.contentType == nil && $0.message.enqueuedAt == nil })
    // Two messages, though their bodies are equal.
    #expect(Set(deliveries.map(\.message.id)).count == 2)
    #expect(await consumer.complete(deliveries).isApplied)
    await lab.close()
  }

  @Test func foreignPropertiesSurviveARetry() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    let stranger = try Stranger(try await SharedServerURL.value())
    func short(_ text: String) -> [UInt8] { [UInt8(text.utf8.count)] + Array(text.utf8) }
    let fields =
      Stranger.field("CC", "A", Stranger.length(0)) + Stranger.field("n", "s", [0, 7])
      + Stranger.field("x-death", "S", Stranger.length(3) + Array("mad".utf8))
    // content-encoding, headers, priority, correlation-id, reply-to
    try stranger.publish(
      to: lab.queue, flags: 0b0110_1110_0000_0000,
      properties: short("gzip") + Stranger.table(fields) + [3] + short("c-1") + short("back"), body: [0])
    var delivery = try await inbox.next()
    let expected: Headers = [
      "amqp-content-encoding": "gzip", "amqp-correlation-id": "c-1", "amqp-reply-to": "back", "CC": .array([]), "n": 7,
    ]
    for _ in 0..<2 {
      #expect(Set(delivery.message.headers) == Set(expected))
      #expect(await consumer.settle(.retry(delivery, after: .zero)).isApplied)
      delivery = try await inbox.next()
    }
    await lab.close()
  }

  @Test func anIDAndATypeThatAreNoTextKeepNoMessageFromBeingMoved() async throws {
    let lab = try await Lab.open()
    try await lab.broker.declare(QueueDeclaration(name: lab.queue))
    let stranger = try Stranger(try await SharedServerURL.value())
    // Repaired, a hundred such bytes are three hundred: more than AMQP carries.
    let noText = [100] + [UInt8](repeating: 0xff, count: 100)
    // content-type, message-id; a header whose name is no text either
    let headers = Stranger.table([100] + [UInt8](repeating: 0xff, count: 100) + [UInt8(ascii: "V")])
    try stranger.publish(
      to: lab.queue, flags: 0b1010_0000_1000_0000, properties: noText + headers + noText, body: [1])
    let victim = try await lab.other()
    let held = Inbox()
    _ = try await victim.consume(held)
    let first = try await held.next()
    await victim.crash()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    let suspect = try await inbox.next()
    #expect(suspect.isSuspect)
    #expect(suspect.message.id == first.message.id && suspect.message.id.utf8.count <= 255)
    #expect(suspect.message.contentType == nil && suspect.message.headers.isEmpty)
    #expect(await consumer.settle(.retry(suspect, after: .zero)).isApplied)
    let again = try await inbox.next()
    #expect(again.message.id == first.message.id)
    let reason = DeadLetterReason(
      code: .rejected, function: nil, errorType: nil, errorText: "no", attempts: 3, source: .queue(lab.queue))
    #expect(await consumer.settle(.deadLetter(again, reason)).isApplied)
    #expect(try await lab.broker.deadLetters(of: lab.queue, limit: 5).map(\.message.id) == [first.message.id])
    await lab.close()
  }

  @Test func headersNestedDeeply() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    let stranger = try Stranger(try await SharedServerURL.value())
    var nested: [UInt8] = []
    // As deep as a frame allows is tried without a broker: this one copies every level.
    let depth = 1000
    for level in 0..<depth { nested += [UInt8(ascii: "A")] + Stranger.length((depth - level - 1) * 5) }
    try stranger.publish(to: lab.queue, flags: 1 << 13, properties: Stranger.table([1, 0x61] + nested), body: [1])
    let delivery = try await inbox.next()
    #expect(delivery.message.body == Bytes([1]))
    #expect(await consumer.settle(.retry(delivery, after: .zero)).isApplied)
    #expect(await consumer.complete([try await inbox.next()]).isApplied)
    await lab.close()
  }

  @Test(arguments: [
    ([], ["'x-dead-letter-exchange' is none on the broker", "asks for ''"]),
    (
      [
        Header("x-queue-type", "quorum"), Header("x-delivery-limit", 5), Header("x-dead-letter-exchange", ""),
        Header("x-dead-letter-routing-key", "QUEUE.dead"), Header("x-dead-letter-strategy", "at-least-once"),
        Header("x-overflow", "reject-publish"),
      ],
      ["'x-delivery-limit' is '5' on the broker", "asks for '1000000'"]
    ),
  ])
  func aQueueWithOtherArgumentsIsAConflictThatSaysWhich(arguments: [Header], parts: [String]) async throws {
    let lab = try await Lab.open()
    let stranger = try Stranger(try await SharedServerURL.value())
    // Everything as Martlet has it, but for the one.
    let own = arguments.map { $0.value == "QUEUE.dead" ? Header($0.name, .string(lab.queue + ".dead")) : $0 }
    try stranger.declare(lab.queue, own)
    let error = await #expect(throws: BrokerError.self) {
      try await lab.broker.declare(QueueDeclaration(name: lab.queue))
    }
    #expect(error?.code == .conflict)
    for part in parts + [lab.queue, "use another name"] {
      #expect(error?.message.contains(part) == true, "\(part) in \(error?.message ?? "")")
    }
    // A reader is told the same, and comes to life when the queue is mended.
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    #expect(inbox.problems.last??.code == .conflict)
    try await lab.broker.delete(queue: lab.queue)
    try await inbox.wait("the end of the problem") { !$0.problems.isEmpty && $0.problems[$0.problems.count - 1] == nil }
    try await lab.broker.publish([lab.message("m")])
    #expect(await consumer.complete([try await inbox.next()]).isApplied)
    await lab.close()
  }

  @Test func aClassicQueueWorksAsItIs() async throws {
    let lab = try await Lab.open()
    let stranger = try Stranger(try await SharedServerURL.value())
    try stranger.declare(lab.queue)
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox, mode: .never)
    #expect(lab.log.count("is not declared by Martlet") == 1)
    try await lab.broker.publish([lab.message("m", id: "m")])
    let first = try await inbox.next()
    #expect(await consumer.settle(.retry(first, after: .milliseconds(50))).isApplied)
    let second = try await inbox.next()
    #expect(second.attempt == 2)
    let reason = DeadLetterReason(
      code: .rejected, function: nil, errorType: nil, errorText: "no", attempts: 2, source: .queue(lab.queue))
    #expect(await consumer.settle(.deadLetter(second, reason)).isApplied)
    #expect(try await lab.broker.deadLetters(of: lab.queue, limit: 5).map(\.message.id) == ["m"])
    await lab.close()
  }
}
