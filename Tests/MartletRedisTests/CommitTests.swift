import Foundation
import MartletCore
import MartletRedis
import MartletTestKit
import Testing

@Suite struct CommitTests {
  @Test func anInnocentDoesNotPayForANeighbour() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    try lab.redis("SET", lab.queue + ".taken", "x")
    try await lab.broker.publish((0..<6).map { lab.message("\($0)", id: "m\($0)") })
    let deliveries = try await inbox.first(6)
    var group = CommitGroup()
    for (index, delivery) in deliveries.prefix(3).enumerated() {
      let target = lab.queue + (index == 1 ? ".taken" : ".out")
      group.append(settlement: .complete(delivery.receipt), outputs: [lab.message("out \(index)", to: target)])
    }
    // The next group is on its way before the first is refused.
    async let first = consumer.commit(group)
    async let second = consumer.complete(deliveries[3], outputs: [lab.message("out 3", to: lab.queue + ".out")])
    let errors = await first.errors
    #expect(errors.keys.sorted() == [1])
    #expect(errors[1]?.code == .conflict)
    #expect(await second.isApplied)
    #expect(await consumer.complete(deliveries[4]).isApplied)
    #expect(try await lab.broker.counts(of: lab.queue + ".out").ready == 3)
    #expect(try await lab.broker.counts(of: lab.queue).unsettled == 2)
    #expect(await consumer.complete(deliveries[1]).isApplied)
    #expect(await consumer.complete(deliveries[5]).isApplied)
    #expect(try await lab.broker.counts(of: lab.queue) == QueueCounts())
    try lab.redis("DEL", lab.queue + ".taken", lab.queue + ".out")
    await lab.close()
  }

  @Test func anOutputThatTheUserMayNotWriteIsRefusedAlone() async throws {
    let open = try await Lab.open()
    let user = "u\(UUID().uuidString.prefix(8))"
    try open.redis(
      "ACL", "SETUSER", user, "on", ">secret", "~\(open.queue)*", "~{\(open.queue)*", "+@all", "-@dangerous")
    let url = open.url.replacing("redis://", with: "redis://\(user):secret@")
    let lab = try await Lab.open(url: url, lease: .seconds(5), queue: open.queue)
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    try await lab.broker.publish(["a", "b", "c"].map { lab.message($0, id: $0) })
    let deliveries = try await inbox.first(3)
    var group = CommitGroup()
    group.append(settlement: .complete(deliveries[0].receipt), outputs: [lab.message("out", to: "forbidden")])
    group.append(settlement: .complete(deliveries[1].receipt), outputs: [lab.message("out", to: lab.queue + ".out")])
    let errors = await consumer.commit(group).errors
    #expect(errors.mapValues(\.code) == [0: .permission])
    #expect(await consumer.complete(deliveries[2]).isApplied)
    #expect(try await lab.broker.counts(of: lab.queue).unsettled == 1)
    do {
      try await lab.broker.publish([lab.message("x", to: "forbidden")])
      Issue.record("the publish was not refused")
    } catch {
      #expect(error.code == .permission)
    }
    // Taking over from the dead needs no right that such a user lacks.
    try open.redis("XADD", lab.queue, "*", "body", "d", "id", "d")
    consumer.setPrefetch(0)
    try open.redis("XADD", lab.queue, "*", "body", "e", "id", "e")
    try open.redis("XREADGROUP", "GROUP", "martlet", "dead", "COUNT", "9", "STREAMS", lab.queue, ">")
    consumer.setPrefetch(9)
    try await inbox.wait("the dead consumer's message") { $0.deliveries.contains { $0.message.id == "e" } }
    #expect(!lab.log.all.joined().contains("secret"))
    try open.redis("DEL", lab.queue + ".out")
    await lab.close()
    try open.redis("ACL", "DELUSER", user)
    await open.broker.close(deadline: .now + .seconds(5))
  }

  @Test func settledEntriesLeaveTheStreamInAnyOrder() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox, prefetch: 500)
    try await lab.broker.publish((0..<500).map { lab.message("\($0)") })
    let deliveries = try await inbox.first(500)
    for part in [deliveries[1..<200], deliveries[300..<500], deliveries[0..<1], deliveries[200..<300]] {
      var group = CommitGroup()
      for delivery in part { group.append(settlement: .complete(delivery.receipt), outputs: []) }
      #expect(await consumer.commit(group).isApplied)
      #expect(try await lab.broker.counts(of: lab.queue).ready == 0)
    }
    #expect(try lab.redis("XLEN", lab.queue) == "0")
    await lab.close()
  }

  @Test func aTrimSparesWhatOthersHold() async throws {
    let lab = try await Lab.open()
    let other = try await Lab.open(queue: lab.queue)
    let (mine, theirs) = (Inbox(), Inbox())
    let slow = try await other.consume(theirs, prefetch: 1)
    try await lab.broker.publish([lab.message("held", id: "held")])
    let held = try await theirs.first(1)[0]
    let quick = try await lab.consume(mine)
    try await lab.broker.publish((0..<10).map { lab.message("\($0)") })
    for delivery in try await mine.first(10) { #expect(await quick.complete(delivery).isApplied) }
    #expect(try lab.redis("XLEN", lab.queue) == "1")
    #expect(await slow.settle(.retry(held, after: .zero)).isApplied)
    try await lab.until("the retry") { (mine.deliveries + theirs.deliveries).contains { $0.attempt == 2 } }
    #expect((mine.ids + theirs.ids).count { $0 == "held" } == 2)
    await other.broker.close(deadline: .now + .seconds(5))
    await lab.close()
  }

  @Test func aBatchOfThousandsIsOneCommit() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox, prefetch: 9_000)
    try await lab.broker.publish((0..<9_000).map { lab.message("\($0)") })
    let deliveries = try await inbox.first(9_000)
    var group = CommitGroup()
    group.append(settlements: deliveries.map { .complete($0.receipt) }, outputs: [])
    #expect(await consumer.commit(group).isApplied)
    #expect(try await lab.broker.counts(of: lab.queue) == QueueCounts())
    await lab.close()
  }

  @Test func anIdThatTheSenderDidNotGiveStaysTheSame() async throws {
    let lab = try await Lab.open()
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    try lab.redis("XADD", lab.queue, "*", "body", "a")
    let first = try await inbox.first(1)[0]
    #expect(await consumer.settle(.retry(first, after: .zero)).isApplied)
    let second = try await inbox.first(2)[1]
    #expect(await consumer.settle(.retry(second, after: .milliseconds(1))).isApplied)
    let third = try await inbox.first(3)[2]
    #expect(await consumer.settle(.release(third)).isApplied)
    let fourth = try await inbox.first(4)[3]
    #expect(Set(inbox.ids) == [first.message.id])
    #expect(inbox.deliveries.map(\.attempt) == [1, 2, 3, 3])
    let reason = DeadLetterReason(
      code: .rejected, function: "f", errorType: nil, errorText: "no", attempts: 3, source: .queue(lab.queue))
    #expect(await consumer.settle(.deadLetter(fourth, reason)).isApplied)
    #expect(try await lab.broker.deadLetters(of: lab.queue, limit: 1).first?.message.id == first.message.id)
    await lab.close()
  }
}
