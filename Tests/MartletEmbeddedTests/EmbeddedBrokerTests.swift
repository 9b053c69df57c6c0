import Foundation
import MartletCore
import Testing

@testable import MartletEmbedded

@Suite struct EmbeddedBrokerTests {
  @Test(arguments: [true, false])
  func publishesConsumesAndCommits(inMemory: Bool) async throws {
    let scratch = try Scratch()
    let broker = try await EmbeddedBroker.open(inMemory ? nil : scratch.path)
    let (consumer, inbox) = try await broker.read("in")
    try await broker.send("a", "b", "c", to: "in")
    let deliveries = try await inbox.next(3)
    #expect(deliveries.map(\.message.id) == ["a", "b", "c"])
    #expect(deliveries.allSatisfy { $0.attempt == 1 && !$0.isSuspect })
    let output = OutgoingMessage(to: .queue("out"), body: Bytes("x"), id: "x")
    #expect(await consumer.settle(.complete(deliveries[0].receipt), outputs: [output]).isApplied)
    #expect(await consumer.complete([deliveries[1]]).isApplied)
    #expect(try await broker.counts(of: "in") == QueueCounts(unsettled: 1))
    #expect(try await broker.counts(of: "out") == QueueCounts(ready: 1))
    await broker.shut()
  }

  @Test func carriesEveryField() async throws {
    let broker = try await EmbeddedBroker.open(nil)
    let (_, inbox) = try await broker.read("in")
    let trace = TraceContext(traceID: 7, spanID: 9, flags: 1, state: "a=1")
    var message = OutgoingMessage(
      to: .queue("in"), body: [0, 1, 255], id: "id", contentType: ContentType("image/png"), key: "k",
      headers: ["a": "ä\0b", "n": 5], trace: trace, timeToLive: .seconds(1000))
    let before = Date()
    try await broker.publish([message])
    message = OutgoingMessage(to: .queue("in"), body: Bytes(), id: "bare")
    try await broker.publish([message])
    let got = try await inbox.next(2).map(\.message)
    #expect(got[0].body == [0, 1, 255])
    #expect(got[0].contentType == ContentType("image/png"))
    #expect(got[0].key == "k")
    #expect(Array(got[0].headers) == [Header("a", "ä\0b"), Header("n", "5")])
    #expect(got[0].trace == trace)
    #expect(abs(got[0].enqueuedAt?.timeIntervalSince(before) ?? 99) < 30)
    #expect(abs((got[0].expiresAt?.timeIntervalSince(before) ?? 0) - 1000) < 30)
    #expect(got[1].body.isEmpty)
    #expect(got[1].contentType == nil && got[1].key == nil && got[1].trace == nil && got[1].expiresAt == nil)
    #expect(got[1].headers.isEmpty)
    await broker.shut()
  }

  @Test func retriesReleasesAndDeadLetters() async throws {
    let broker = try await EmbeddedBroker.open(nil)
    let (consumer, inbox) = try await broker.read("in", prefetch: 3)
    try await broker.send("retry", "dead", "release", to: "in")
    let first = try await inbox.next(3)
    let reason = DeadLetterReason(
      code: .rejected, function: "f", errorType: "E", errorText: "no", attempts: 1, source: .queue("in"))
    let result = await consumer.settle(
      .retry(first[0], after: .zero), .deadLetter(first[1], reason), .release(first[2]))
    #expect(result.isApplied)
    let second = try await inbox.next(2)
    #expect(second.map(\.message.id) == ["release", "retry"])
    #expect(second.map(\.attempt) == [1, 2])
    let dead = try await broker.deadLetters(of: "in", limit: 10)
    #expect(dead.map(\.message.id) == ["dead"])
    #expect(dead.map(\.reason.errorText) == ["no"])
    #expect(dead.map(\.reason.function) == ["f"])
    #expect(try await broker.counts(of: "in") == QueueCounts(unsettled: 2, dead: 1))
    await broker.shut()
  }

  @Test func keepsToThePrefetch() async throws {
    let broker = try await EmbeddedBroker.open(nil)
    let (consumer, inbox) = try await broker.read("in", prefetch: 2)
    try await broker.send("a", "b", "c", "d", to: "in")
    let first = try await inbox.next(2)
    #expect(try await broker.counts(of: "in") == QueueCounts(ready: 2, unsettled: 2))
    #expect(await consumer.complete([first[1]]).isApplied)
    _ = try await inbox.next(1)
    #expect(try await broker.counts(of: "in") == QueueCounts(ready: 1, unsettled: 2))
    consumer.setPrefetch(3)
    _ = try await inbox.next(1)
    #expect(inbox.bodies == ["a", "b", "c", "d"])
    await broker.shut()
  }
}
