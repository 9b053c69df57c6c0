import Foundation
import MartletCore
import MartletRedis
import MartletTestKit
import TestServers
import Testing

/// A network that loses one direction: what was asked is done, and nobody hears of it.
@Suite struct CutTests {
  private func open(lease: Duration = .seconds(60)) async throws -> (Lab, TCPProxy, direct: Lab) {
    let url = try await SharedServer.redisURL()
    let port = try #require(URL(string: url)?.port.flatMap { UInt16(exactly: $0) })
    let proxy = try TCPProxy(to: "127.0.0.1", port: port)
    let lab = try await Lab.open(url: "redis://127.0.0.1:\(proxy.port)", lease: lease)
    return (lab, proxy, try await Lab.open(url: url, queue: lab.queue))
  }

  private func close(_ lab: Lab, _ proxy: TCPProxy, _ direct: Lab) async {
    await lab.close()
    await direct.broker.close(deadline: .now + .seconds(5))
    proxy.close()
  }

  @Test func aCommitWhoseAnswerIsLostIsAppliedOnce() async throws {
    let (lab, proxy, direct) = try await open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    let output = lab.queue + ".out"
    try await direct.broker.publish((0..<3).map { lab.message("\($0)", id: "m\($0)") })
    let deliveries = try await inbox.first(3)
    proxy.set(.dropReplies)
    async let first = consumer.complete(deliveries[0], outputs: [lab.message("0", to: output)])
    async let second = consumer.complete(deliveries[1], outputs: [lab.message("1", to: output)])
    try await direct.until("both commits") { try await direct.broker.counts(of: output).ready == 2 }
    proxy.set(.forward)
    proxy.cut()
    #expect(await first.isApplied)
    #expect(await second.isApplied)
    #expect(await consumer.complete(deliveries[2], outputs: [lab.message("2", to: output)]).isApplied)
    #expect(try await direct.broker.counts(of: output).ready == 3)
    #expect(inbox.revokedBefore == 0)
    #expect(try await direct.counts { $0.unsettled == 0 } == QueueCounts())
    try await direct.broker.delete(queue: output)
    await close(lab, proxy, direct)
  }

  /// The server hands entries to a read that nobody listens to any more. They are not stuck until the process ends.
  @Test func aReadWhoseAnswerIsLostLosesNothing() async throws {
    let (lab, proxy, direct) = try await open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    try await direct.broker.publish([lab.message("seen", id: "seen")])
    _ = try await inbox.first(1)
    proxy.set(.dropReplies)
    try await direct.broker.publish((0..<5).map { lab.message("\($0)", id: "m\($0)") })
    try await direct.until("the lost read") { try await direct.broker.counts(of: lab.queue).unsettled > 1 }
    proxy.set(.forward)
    proxy.cut()
    let deliveries = try await inbox.first(6)
    #expect(Set(deliveries.map(\.message.id)) == ["seen", "m0", "m1", "m2", "m3", "m4"])
    #expect(deliveries.allSatisfy { !$0.isSuspect && $0.attempt == 1 })
    for delivery in deliveries { #expect(await consumer.complete(delivery).isApplied) }
    #expect(try await direct.counts { $0.unsettled == 0 } == QueueCounts())
    await close(lab, proxy, direct)
  }

  @Test func aPublishWhoseAnswerIsLostIsRepeatedWithTheSameIds() async throws {
    let (lab, proxy, direct) = try await open()
    proxy.set(.dropReplies)
    async let sent: Void = lab.broker.publish([lab.message("a", id: "a")])
    try await direct.until("the message") { try await direct.broker.counts(of: lab.queue).ready == 1 }
    proxy.set(.forward)
    proxy.cut()
    try await sent
    let inbox = Inbox()
    _ = try await direct.consume(inbox)
    #expect(Set(try await inbox.first(2).map(\.message.id)) == ["a"])
    await close(lab, proxy, direct)
  }

  /// A server that is silent is left and asked again, well before the lease is over.
  @Test func aBlackHoleIsNoticed() async throws {
    let (lab, proxy, direct) = try await open(lease: .seconds(20))
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    try await direct.broker.publish([lab.message("a", id: "a")])
    let delivery = try await inbox.first(1)[0]
    proxy.set(.stall)
    async let result = consumer.complete(delivery)
    try await lab.until("the log line") { lab.log.all.contains { $0.contains("silent") } }
    proxy.set(.forward)
    proxy.cut()
    #expect(await result.isApplied)
    #expect(inbox.revokedBefore == 0)
    await close(lab, proxy, direct)
  }
}
