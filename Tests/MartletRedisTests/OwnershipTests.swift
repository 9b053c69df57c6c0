import Foundation
import MartletCore
import MartletRedis
import MartletTestKit
import TestServers
import Testing

@Suite struct OwnershipTests {
  /// What a closing consumer has not settled goes to the others at once, and nobody suspects it; not even when the
  /// consumer's own read sleeps in the server, ready to take it back.
  @Test func aDrainGivesBack() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    try await lab.broker.publish((0..<5).map { lab.message("\($0)", id: "m\($0)") })
    _ = try await inbox.first(5)
    await consumer.close(deadline: .now + .seconds(10))
    #expect(try await lab.broker.counts(of: lab.queue) == QueueCounts(ready: 5))
    #expect(try lab.redis("HLEN", "{\(lab.queue)}:leases") == "0")
    #expect(try lab.redis("HLEN", "{\(lab.queue)}:numbers") == "0")
    let next = Inbox()
    _ = try await lab.consume(next)
    let deliveries = try await next.first(5)
    #expect(deliveries.allSatisfy { !$0.isSuspect && $0.attempt == 1 })
    #expect(deliveries.map(\.message.id) == ["m0", "m1", "m2", "m3", "m4"])
    await lab.close()
  }

  @Test func aCommitAfterTheRecordIsGoneIsRefused() async throws {
    let lab = try await Lab.open(lease: .seconds(10))
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    try await lab.broker.publish([lab.message("a", id: "a")])
    let delivery = try await inbox.first(1)[0]
    // What another consumer does that takes over.
    try lab.redis("DEL", "{\(lab.queue)}:leases")
    #expect(await consumer.complete(delivery, outputs: [lab.message("out", to: lab.queue + ".out")]).isOwnershipLost)
    #expect(inbox.revokedBefore > delivery.receipt.generation)
    #expect(try await lab.broker.counts(of: lab.queue + ".out") == QueueCounts())
    // It comes again, as a suspect: nobody knows what became of its first run.
    let again = try await inbox.first(2)[1]
    #expect(again.isSuspect)
    #expect(again.attempt == 2)
    #expect(await consumer.complete(delivery).isOwnershipLost)
    #expect(await consumer.complete(again).isApplied)
    #expect(try await lab.counts { $0.unsettled == 0 } == QueueCounts())
    #expect(try lab.redis("HLEN", "{\(lab.queue)}:attempts") == "0")
    await lab.close()
  }

  @Test func aStoppedServerCostsTheLeaseButNobodyIsSuspected() async throws {
    let server = try await TestServer(.redis)
    let lab = try await Lab.open(url: server.url, lease: .seconds(6))
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    try await lab.broker.publish((0..<3).map { lab.message("\($0)", id: "m\($0)") })
    let first = try await inbox.first(3)
    try await server.stop()
    // Handed in before the lease is lost: it is still applied, if nobody has taken over.
    async let early = consumer.complete(first[0])
    try await inbox.wait("the revocation") { $0.revokedBefore > 1 }
    async let late = consumer.complete(first[1])
    #expect(await late.isOwnershipLost)
    try await server.start()
    #expect(await early.isApplied)
    let again = try await inbox.first(5)[3...]
    #expect(again.map(\.message.id) == ["m1", "m2"])
    #expect(again.allSatisfy { !$0.isSuspect && $0.attempt == 1 })
    await lab.close()
  }

  @Test func aDeletedQueueIsMadeAgain() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    for (index, fault) in [["DEL", lab.queue], ["XGROUP", "DESTROY", lab.queue, "martlet"]].enumerated() {
      try await lab.broker.publish([lab.message("a", id: "before\(index)")])
      try await inbox.wait("the message") { $0.deliveries.contains { $0.message.id == "before\(index)" } }
      let held = inbox.deliveries.last { $0.message.id == "before\(index)" }
      if fault.count == 2 {
        try lab.redis(fault[0], fault[1])
      } else {
        try lab.redis(fault[0], fault[1], fault[2], fault[3])
      }
      try await inbox.wait("the revocation") { $0.revokedBefore > UInt32(index + 1) }
      if let held { #expect(await consumer.complete(held).isOwnershipLost) }
      try await lab.until("another life") { inbox.problems.last.map { $0 == nil } ?? false }
      try await lab.broker.publish([lab.message("b", id: "after\(index)")])
      try await inbox.wait("the next message") { $0.deliveries.contains { $0.message.id == "after\(index)" } }
    }
    #expect(inbox.problems.compactMap(\.self).allSatisfy { $0.code == .notFound })
    await lab.close()
  }

  /// What strangers read under the group's name is nobody's: it comes back as suspects, one at a time in a process.
  @Test func suspectsComeOneAtATimeAndAreCounted() async throws {
    let lab = try await Lab.open(lease: .seconds(5))
    try lab.redis("XGROUP", "CREATE", lab.queue, "martlet", "0", "MKSTREAM")
    try await lab.broker.publish((0..<3).map { lab.message("\($0)", id: "m\($0)") })
    try lab.redis("XREADGROUP", "GROUP", "martlet", "dead", "STREAMS", lab.queue, ">")
    let (inbox, second) = (Inbox(), Inbox())
    let consumer = try await lab.consume(inbox)
    let twin = try await lab.consume(second)
    var done: Set<String> = []
    for count in 1...3 {
      try await lab.until("suspect \(count)") { inbox.deliveries.count + second.deliveries.count == count }
      #expect(try lab.redis("HLEN", "{\(lab.queue)}:attempts") == "1")
      let isFirst = inbox.deliveries.contains { !done.contains($0.message.id) }
      let delivery = try #require((inbox.deliveries + second.deliveries).first { !done.contains($0.message.id) })
      #expect(delivery.isSuspect)
      #expect(delivery.attempt == 2)
      done.insert(delivery.message.id)
      #expect(await (isFirst ? consumer : twin).complete(delivery).isApplied)
    }
    #expect(try await lab.counts { $0.unsettled == 0 } == QueueCounts())
    await lab.close()
  }

  /// What a server does that has lost its last moments: it hands out again what somebody has in hand. The first commit
  /// counts; the other sends nothing, and what it would have settled beside comes again.
  @Test func whatWasHandedOutTwiceHasOneOutcome() async throws {
    let lab = try await Lab.open()
    let other = try await Lab.open(queue: lab.queue)
    let (first, second) = (Inbox(), Inbox())
    let consumer = try await lab.consume(first)
    try await lab.broker.publish((0..<4).map { lab.message("\($0)", id: "m\($0)") })
    let held = try await first.first(4)
    consumer.setPrefetch(0)
    let twin = try await other.consume(second)
    try lab.redis("XGROUP", "SETID", lab.queue, "martlet", "0")
    try await lab.broker.publish([lab.message("4", id: "m4")])
    let again = try await second.first(5)
    func group(_ deliveries: some Sequence<Delivery>) -> CommitGroup {
      var group = CommitGroup()
      for delivery in deliveries {
        let out = lab.message("", id: delivery.message.id, to: lab.queue + ".out")
        group.append(settlement: .complete(delivery.receipt), outputs: [out])
      }
      return group
    }
    #expect(await consumer.commit(group(held[..<3])).isApplied)
    #expect(await twin.commit(group(again[2...])).isOwnershipLost)
    #expect(other.log.count("were pending no longer") == 1)
    try await second.wait("what has no outcome") { $0.deliveries.count == 7 }
    #expect(second.ids[5...] == ["m3", "m4"])
    // Not what the first consumer has had in hand all the time, for that came again too.
    #expect(await consumer.commit(group(held[3...])).isOwnershipLost)
    #expect(await twin.commit(group(second.deliveries[5...])).isApplied)
    #expect(await twin.commit(group(again[..<2])).isOwnershipLost)
    let lines = try lab.redis("XRANGE", lab.queue + ".out", "-", "+").split(separator: " ")
    let ids = zip(lines, lines.dropFirst()).filter { $0.0 == "id" }.map(\.1)
    #expect(ids.sorted() == ["m0", "m1", "m2", "m3", "m4"])
    #expect(try await lab.broker.counts(of: lab.queue) == QueueCounts())
    #expect(second.revokedBefore <= 1)
    try lab.redis("DEL", lab.queue + ".out")
    await other.broker.close(deadline: .now + .seconds(5))
    await lab.close()
  }

  /// Of such a commit a refused output is heard of all the same: its input waits for another settlement.
  @Test func aRefusalIsHeardOfBesideWhatIsForgotten() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    try lab.redis("SET", lab.queue + ".taken", "x")
    try await lab.broker.publish((0..<2).map { lab.message("\($0)", id: "m\($0)") })
    let deliveries = try await inbox.first(2)
    let first = deliveries[0].receipt
    try lab.redis("XACK", lab.queue, "martlet", "\(first.high)-\(first.low)")
    var group = CommitGroup()
    group.append(settlement: .complete(first), outputs: [])
    group.append(settlement: .complete(deliveries[1].receipt), outputs: [lab.message("", to: lab.queue + ".taken")])
    #expect(await consumer.commit(group).errors.keys.sorted() == [1])
    let again = try await inbox.first(3)[2]
    #expect(again.message.id == "m0")
    #expect(await consumer.complete(deliveries[1]).isApplied)
    #expect(await consumer.complete(again).isApplied)
    #expect(try await lab.broker.counts(of: lab.queue) == QueueCounts())
    try lab.redis("DEL", lab.queue + ".taken")
    await lab.close()
  }

  /// An output that fails in the middle of a commit, which only a stream without ids left does: nothing is lost.
  @Test func aStreamWithoutIDsLeftLosesNothing() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    let full = lab.queue + ".full"
    try lab.redis("XADD", full, "18446744073709551615-18446744073709551615", "body", "last")
    try await lab.broker.publish([lab.message("0", id: "m0"), lab.message("1", id: "m1")])
    let deliveries = try await inbox.first(2)
    var group = CommitGroup(deduplicate: .seconds(600))
    group.append(settlement: .complete(deliveries[0].receipt), outputs: [lab.message("", to: full)], remembering: "m0")
    group.append(settlement: .complete(deliveries[1].receipt), outputs: [], remembering: "m1")
    let errors = await consumer.commit(group).errors
    #expect(errors.mapValues(\.code) == [0: .protocolViolation])
    #expect(try await lab.broker.counts(of: lab.queue).unsettled == 1)
    #expect(try lab.redis("ZRANGE", "{\(lab.queue)}:remembered", "0", "-1") == "m1")
    #expect(await consumer.complete(deliveries[0]).isApplied)
    #expect(try await lab.broker.counts(of: lab.queue) == QueueCounts())
    try lab.redis("DEL", full)
    await lab.close()
  }
}
