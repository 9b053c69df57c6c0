import Foundation
import MartletCore
import MartletRedis
import MartletTestKit
import Testing

/// The set of the remembered ids.
@Suite struct RememberTests {
  private func remembering(_ delivery: Delivery, window: Duration) -> CommitGroup {
    var group = CommitGroup(deduplicate: window)
    group.append(settlement: .complete(delivery.receipt), outputs: [], remembering: delivery.message.id)
    return group
  }

  @Test func idsLeaveTheSetWhenTheirWindowIsOver() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    let key = "{\(lab.queue)}:remembered"
    try await lab.broker.publish((0..<4).map { lab.message("\($0)", id: "m\($0)") })
    let deliveries = try await inbox.first(4)
    #expect(await consumer.commit(remembering(deliveries[0], window: .seconds(600))).isApplied)
    // As an earlier commit left it.
    try lab.redis("ZADD", key, "1000", "old")
    #expect(try lab.redis("ZCARD", key) == "2")
    #expect(await consumer.commit(remembering(deliveries[1], window: .seconds(60))).isApplied)
    #expect(try lab.redis("ZRANGE", key, "0", "-1").split(separator: " ").sorted() == ["m0", "m1"])
    // A shorter window of another commit does not take the others along.
    #expect(try #require(Int(lab.redis("TTL", key))) > 500)
    // Without ids nothing is written.
    #expect(await consumer.complete(deliveries[2]).isApplied)
    #expect(try lab.redis("ZCARD", key) == "2")
    try await lab.broker.delete(queue: lab.queue)
    #expect(try lab.redis("EXISTS", key) == "0")
    await lab.close()
  }

  @Test func aRefusedRepeatLeavesNoTraceAndTakesNoNumber() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    try await lab.broker.publish((0..<3).map { lab.message("\($0)", id: $0 < 2 ? "same" : "other") })
    let deliveries = try await inbox.first(3)
    // All three are on their way together.
    async let first = consumer.commit(remembering(deliveries[0], window: .seconds(60)))
    async let second = consumer.commit(remembering(deliveries[1], window: .seconds(60)))
    async let third = consumer.commit(remembering(deliveries[2], window: .seconds(60)))
    let (one, two, three) = await (first, second, third)
    #expect([one, two].count { $0.isApplied } == 1)
    #expect([one, two].flatMap { $0.errors.values.map(\.code) } == [.repeated])
    #expect(three.isApplied)
    #expect(try lab.redis("HKEYS", "{\(lab.queue)}:numbers").split(separator: " ").count == 1)
    #expect(await consumer.complete(deliveries[two.isApplied ? 0 : 1]).isApplied)
    #expect(try await lab.broker.counts(of: lab.queue) == QueueCounts())
    await lab.close()
  }
}
