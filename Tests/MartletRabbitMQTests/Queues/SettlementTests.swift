import Foundation
import MartletCore
import MartletRabbitMQ
import Testing

@Suite struct SettlementTests {
  @Test func aRetryComesBackWithItsAttemptAndAllThatWasSaid() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    var message = lab.message("body", id: "r", timeToLive: .seconds(600))
    message.key = "k"
    message.headers = ["color": "red", "CC": .array(["elsewhere"])]
    message.trace = .start()
    try await lab.broker.publish([message])
    var delivery = try await inbox.next()
    let first = delivery.message
    for (attempt, delay) in [(2, Duration.zero), (3, .milliseconds(100)), (4, .milliseconds(30))] {
      let start = ContinuousClock.now
      #expect(await consumer.settle(.retry(delivery, after: delay)).isApplied)
      delivery = try await inbox.next()
      #expect(ContinuousClock.now - start >= delay)
      #expect(delivery.attempt == attempt)
      #expect(!delivery.isSuspect)
      #expect(delivery.message.id == "r")
      #expect(delivery.message.headers == first.headers)
      #expect(delivery.message.trace == message.trace)
      #expect(delivery.message.expiresAt == first.expiresAt)
      #expect(delivery.message.enqueuedAt == first.enqueuedAt)
    }
    await lab.close()
  }

  @Test func aDeadLetterSaysWhy() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    var message = lab.message("body", id: "d")
    message.headers = ["color": "red"]
    try await lab.broker.publish([message])
    let reason = DeadLetterReason(
      code: .rejected, function: "test", errorType: "E", errorText: "no", attempts: 3, source: .queue(lab.queue),
      time: Date(timeIntervalSince1970: 1_700_000_000), traceID: "t")
    #expect(await consumer.settle(.deadLetter(try await inbox.next(), reason)).isApplied)
    #expect(try await lab.wait("one dead letter") { $0.dead == 1 } == QueueCounts(dead: 1))
    for _ in 0..<2 {
      // Looking takes nothing away.
      let letter = try #require(try await lab.broker.deadLetters(of: lab.queue, limit: 10).first)
      #expect(letter.reason == reason)
      #expect(letter.message.body == "body".bytes)
      #expect(letter.message.id == "d")
      #expect(letter.message.headers == ["color": "red"])
    }
    #expect(try await lab.broker.deadLetters(of: lab.queue, limit: 0).isEmpty)
    await lab.close()
  }

  @Test func aReleasedMessageCountsNothing() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    try await lab.broker.publish([lab.message("body")])
    #expect(await consumer.settle(.retry(try await inbox.next(), after: .zero)).isApplied)
    for _ in 0..<3 {
      let delivery = try await inbox.next()
      #expect(delivery.attempt == 2)
      #expect(!delivery.isSuspect)
      #expect(await consumer.settle(.release(delivery)).isApplied)
    }
    await lab.close()
  }

  @Test func whatNobodyReadsExpiresIntoTheDeadLetters() async throws {
    let lab = try await Lab.open()
    try await lab.broker.declare(QueueDeclaration(name: lab.queue))
    try await lab.broker.publish([lab.message("short", id: "s", timeToLive: .milliseconds(200))])
    try await lab.wait("an expired message") { $0.dead == 1 && $0.ready == 0 }
    let letter = try #require(try await lab.broker.deadLetters(of: lab.queue, limit: 1).first)
    #expect(letter.reason.code == .expired)
    #expect(letter.reason.source == .queue(lab.queue))
    #expect(letter.message.body == "short".bytes)
    await lab.close()
  }

  @Test func whatIsTooLargeToReceiveIsSetAside() async throws {
    let lab = try await Lab.open()
    let small = try await Lab.open(maxMessageBytes: 1000, queue: lab.queue)
    let inbox = Inbox()
    _ = try await small.consume(inbox)
    try await lab.broker.publish([
      lab.message(String(repeating: "x", count: 300_000), id: "large"), lab.message("small", id: "small"),
    ])
    #expect(try await inbox.next().message.id == "small")
    try await lab.wait("the large one set aside") { $0.dead == 1 }
    let letter = try #require(try await lab.broker.deadLetters(of: lab.queue, limit: 1).first)
    #expect(letter.reason.code == .tooLarge)
    #expect(letter.message.body.count == 300_000)
    await small.crash()
    await lab.close()
  }

  @Test func whatARemovedConsumerHeldComesAsSuspectsOneByOne() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox, prefetch: 10)
    try await lab.broker.publish((0..<10).map { lab.message("m", id: "m\($0)") })
    let held = try await inbox.next(10)
    #expect(await consumer.complete(Array(held[..<7])).isApplied)
    await consumer.close(deadline: .now + .seconds(10))
    #expect(await consumer.complete([held[7]]).isOwnershipLost)
    let second = Inbox()
    let other = try await lab.consume(second, prefetch: 20)
    var back: [Delivery] = []
    for count in 1...3 {
      back.append(try await second.next())
      #expect(second.deliveries.count == count)
      #expect(await other.complete([back[count - 1]]).isApplied)
    }
    #expect(Set(back.map(\.message.id)) == ["m7", "m8", "m9"])
    #expect(back.allSatisfy { $0.attempt == 2 && $0.isSuspect })
    await lab.close()
  }
}
