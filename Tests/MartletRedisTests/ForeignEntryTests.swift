import Foundation
import MartletCore
import MartletRedis
import Testing

/// What strangers write into the stream must neither end the process nor block the queue.
@Suite struct ForeignEntryTests {
  @Test func numbersBeyondEveryLimitAreRead() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    try lab.redis("XADD", lab.queue, "*", "body", "a", "martlet-attempts", "9223372036854775807")
    try lab.redis("XADD", lab.queue, "*", "body", "b", "martlet-attempts", "-5", "martlet-expires-at", "99999999999999")
    try lab.redis("XADD", lab.queue, "18446744073709551614-18446744073709551615", "body", "c")
    let deliveries = try await inbox.first(3)
    #expect(deliveries.map(\.message.body) == ["a", "b", "c"].map { Bytes($0) })
    #expect(deliveries[0].attempt > 1_000_000)
    #expect(deliveries[1].attempt == 1)
    #expect(deliveries[2].message.id == "\(lab.queue)/18446744073709551614-18446744073709551615")
    for delivery in deliveries { #expect(await consumer.complete(delivery).isApplied) }
    #expect(try await lab.counts { $0.unsettled == 0 } == QueueCounts())
    await lab.close()
  }

  @Test func anEntryWithoutBodyGoesToTheDeadLetters() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    _ = try await lab.consume(inbox)
    try lab.redis("XADD", lab.queue, "*", "", "", "who", "knows")
    try lab.redis("XADD", lab.queue, "*", "body", "good")
    #expect(try await inbox.first(1)[0].message.body == Bytes("good"))
    _ = try await lab.counts { $0.dead == 1 && $0.unsettled == 1 }
    let dead = try await lab.broker.deadLetters(of: lab.queue, limit: 5)
    #expect(dead.first?.reason.code == .undecodable)
    #expect(dead.first?.message.headers["who"] == .string("knows"))
    await lab.close()
  }

  @Test func timesBeyondEveryLimitCanBeAskedFor() async throws {
    let lab = try await Lab.open()
    var forEver = lab.message("for ever")
    forEver.timeToLive = .seconds(Int64.max)
    var never = lab.message("never")
    never.deliverAt = .distantFuture
    try await lab.broker.publish([forEver, never])
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    let delivery = try await inbox.first(1)[0]
    #expect(delivery.message.body == Bytes("for ever"))
    #expect(await consumer.settle(.retry(delivery, after: .seconds(Int64.max))).isApplied)
    #expect(try await lab.broker.counts(of: lab.queue).delayed == 2)
    await lab.close()
  }
}
