import Foundation
import MartletCore
import MartletRedis
import TestServers
import Testing

@Suite struct IntakeTests {
  /// A few free places are filled even if the rest of the prefetch is held for hours.
  @Test func freePlacesDoNotWaitForSlowNeighbours() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox, prefetch: 16)
    try await lab.broker.publish((0..<40).map { lab.message("\($0)") })
    for delivery in try await inbox.first(16).prefix(3) { #expect(await consumer.complete(delivery).isApplied) }
    _ = try await inbox.first(19)
    #expect(try await lab.broker.counts(of: lab.queue).unsettled == 16)
    await lab.close()
  }

  /// A server that is busy for a moment costs nobody what is in hand.
  @Test func whatIsInHandSurvivesABusyServer() async throws {
    let server = try await TestServer(.redis)
    let lab = try await Lab.open(url: server.url)
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    try await lab.broker.publish([lab.message("a", id: "a")])
    let first = try await inbox.first(1)[0]
    try lab.redis("CONFIG", "SET", "busy-reply-threshold", "50")
    let loop = "local e=redis.call('TIME')[1]+2 while tonumber(redis.call('TIME')[1])<e do end"
    try lab.redis("EVAL", loop, "0")
    try await lab.broker.publish([lab.message("b", id: "b")])
    #expect(try await inbox.first(2)[1].isSuspect == false)
    #expect(inbox.revokedBefore == 0)
    #expect(await consumer.complete(first).isApplied)
    await lab.close()
  }

  /// A suspect takes one of the places, not one more.
  @Test func aSuspectCountsAgainstThePrefetch() async throws {
    let lab = try await Lab.open(lease: .seconds(5))
    try lab.redis("XGROUP", "CREATE", lab.queue, "martlet", "0", "MKSTREAM")
    try lab.redis("XADD", lab.queue, "*", "body", "x", "id", "suspect")
    try lab.redis("XREADGROUP", "GROUP", "martlet", "dead", "STREAMS", lab.queue, ">")
    try await lab.broker.publish((0..<5).map { lab.message("\($0)", id: "m\($0)") })
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox, prefetch: 1)
    for count in 1...6 {
      let delivery = try await inbox.first(count)[count - 1]
      let counts = try lab.redis("XPENDING", lab.queue, "martlet", "-", "+", "9")
      #expect(counts.components(separatedBy: "test").count <= 2, "\(counts)")
      if delivery.isSuspect { #expect(delivery.attempt == 2) }
      if count == 1 {
        // It is held until the dead consumer's entry has been taken over: there is no place for that one yet.
        try await lab.until("the takeover") { try lab.redis("XPENDING", lab.queue, "martlet").contains("suspects") }
        #expect(inbox.deliveries.count == 1)
      }
      #expect(await consumer.complete(delivery).isApplied)
    }
    #expect(inbox.deliveries.filter(\.isSuspect).map(\.message.id) == ["suspect"])
    await lab.close()
  }

  @Test func aQueueWhoseNameIsTakenIsReportedOnce() async throws {
    let lab = try await Lab.open()
    try lab.redis("SET", lab.queue, "x")
    let inbox = Inbox()
    do {
      _ = try await lab.consume(inbox)
      Issue.record("a string was read as a queue")
    } catch {
      #expect(error.code == .conflict)
    }
    try lab.redis("DEL", lab.queue)
    await lab.close()
  }
}
