import Foundation
import MartletCore
import MartletRedis
import Testing

@Suite struct PartitionCommitTests {
  @Test func aKeyOfAnotherTypeRefusesItsOutputsAlone() async throws {
    let lab = try await HubLab.open()
    let taken = "\(lab.hub).taken"
    try lab.redis("SET", taken, "x")
    let claimed = try await lab.broker.claim(lab.owned(), as: "m", expecting: 0, afterDeath: false)
    #expect(claimed?.epoch == 1)
    var later = lab.lab.message("later", to: taken)
    later.deliverAt = .distantFuture
    let good = lab.event("good", id: "good")
    let outputs = [good, lab.lab.message("bad", to: taken), lab.lab.message("fine", to: "\(lab.hub).free"), later]
    let result = await lab.commit(1, position: PartitionPosition(), outputs: outputs, values: ["k": Bytes("v")])
    #expect(result.errors.mapValues(\.code) == [1: .conflict, 3: .conflict])
    #expect(try await lab.broker.bounds(of: lab.hub)[0].count == 0)
    #expect(try await lab.broker.values(of: ["k"], in: lab.owned()).isEmpty)
    #expect(try await lab.record().lastCommit == 0)
    #expect(await lab.commit(1, outputs: [good]).isApplied)
    #expect(try await lab.broker.bounds(of: lab.hub)[0].count == 1)
    try lab.redis("DEL", taken)
    await lab.close()
  }

  @Test func anOutputThatTheUserMayNotWriteIsRefusedAlone() async throws {
    let open = try await HubLab.open()
    let user = "u\(UUID().uuidString.prefix(8))"
    try open.redis("ACL", "SETUSER", user, "on", ">secret", "~\(open.hub)*", "~{\(open.hub)*", "+@all", "-@dangerous")
    let url = open.lab.url.replacing("redis://", with: "redis://\(user):secret@")
    let lab = try await HubLab.open(url: url, hub: open.hub)
    _ = try await lab.broker.claim(lab.owned(), as: "m", expecting: 0, afterDeath: false)
    let good = lab.event("good")
    let result = await lab.commit(1, outputs: [good, lab.lab.message("bad", to: "forbidden"), good])
    #expect(result.errors.mapValues(\.code) == [1: .permission])
    let toHub = OutgoingMessage(to: .hub("forbidden"), body: "x".bytes, id: "x")
    #expect(await lab.commit(1, outputs: [toHub, good]).errors.mapValues(\.code) == [0: .permission])
    #expect(await lab.commit(1, outputs: [good]).isApplied)
    #expect(try await lab.broker.bounds(of: lab.hub)[0].count == 1)
    // A user who may not wake waiting connections hears of events all the same.
    let inbox = EventInbox()
    _ = try await lab.read(inbox)
    _ = try await inbox.first(1)
    for count in 2...4 {
      try await lab.publish(count..<count + 1)
      _ = try await inbox.first(count)
    }
    await lab.lab.close()
    await open.close()
    let admin = try await Lab.open()
    try admin.redis("ACL", "DELUSER", user)
    await admin.close()
  }

  @Test func thousandsOfValuesAndOutputsAreOneCommit() async throws {
    let lab = try await HubLab.open(partitions: 3)
    _ = try await lab.broker.claim(lab.owned(), as: "m", expecting: 0, afterDeath: false)
    let keys = (0..<9_000).map { "key \($0)" }
    let outputs = (0..<9_000).map { lab.event("\($0)", id: "e\($0)", key: keys[$0]) }
    let values = Dictionary(uniqueKeysWithValues: keys.map { ($0, Bytes?.some(Bytes($0))) })
    #expect(await lab.commit(1, outputs: outputs, values: values).isApplied)
    #expect(try await lab.broker.bounds(of: lab.hub).reduce(0) { $0 + ($1.count ?? 0) } == 9_000)
    let found = try await lab.broker.values(of: keys, in: lab.owned())
    #expect(found.count == 9_000)
    #expect(found["key 77"]?.string == "key 77")
    let removed = Dictionary(uniqueKeysWithValues: keys.dropFirst().map { ($0, Bytes?.none) })
    #expect(await lab.commit(2, values: removed).isApplied)
    #expect(Array(try await lab.broker.values(of: keys, in: lab.owned()).keys) == ["key 0"])
    await lab.close()
  }

  @Test func theRecordIsReadAsItWasWritten() async throws {
    let lab = try await HubLab.open()
    _ = try await lab.broker.claim(lab.owned(), as: "m", expecting: 0, afterDeath: true)
    let position = PartitionPosition(
      checkpoint: EventOffset(high: 1_700_000_000_000, low: 3), sequenceNumber: 41, eventID: "e 41",
      enqueuedAt: Date(timeIntervalSince1970: 1_700_000_000.123),
      finished: [EventOffset(high: 1_700_000_000_000, low: 5), EventOffset(high: 1_700_000_000_012, low: 0)])
    var commit = PartitionCommit(partition: lab.owned(), epoch: 1, number: 1, position: position)
    commit.deaths = 2
    commit.suspect = SuspectEvent(offset: EventOffset(high: 1_700_000_000_000, low: 4), attempt: 3)
    #expect(await lab.broker.commit(commit).isApplied)
    let record = try await lab.record()
    #expect(
      record
        == PartitionRecord(
          partition: 0, owner: "m", epoch: 1, lastCommit: 1, position: position, deaths: 2, suspect: commit.suspect))
    await lab.close()
  }

  /// What was committed is gone: nobody knows how far the group was, so nothing more is committed under its epoch.
  @Test func aRecordThatWasDeletedFencesItsOwner() async throws {
    let lab = try await HubLab.open()
    _ = try await lab.broker.claim(lab.owned(), as: "m", expecting: 0, afterDeath: false)
    #expect(await lab.commit(1).isApplied)
    try lab.redis("DEL", "{\(lab.hub):0}:detect:record")
    #expect(await lab.commit(2, outputs: [lab.event("x")]).isOwnershipLost)
    #expect(try await lab.broker.bounds(of: lab.hub)[0].count == 0)
    #expect(try lab.redis("EXISTS", "{\(lab.hub):0}:detect:record") == "0")
    await lab.close()
  }

  @Test func aQueueSendsToHubsInItsOwnCommit() async throws {
    let lab = try await HubLab.open(partitions: 4)
    let inbox = Inbox()
    let consumer = try await lab.lab.consume(inbox)
    try await lab.broker.publish((0..<4).map { lab.lab.message("\($0)", id: "m\($0)") })
    let deliveries = try await inbox.first(4)
    var missing = lab.event("x", partition: 4)
    var group = CommitGroup()
    group.append(settlement: .complete(deliveries[0].receipt), outputs: [lab.event("a", id: "a", partition: 2)])
    group.append(settlement: .complete(deliveries[1].receipt), outputs: [missing])
    missing.partition = 3
    missing.deliverAt = .distantFuture
    group.append(settlement: .complete(deliveries[2].receipt), outputs: [missing])
    let fresh = OutgoingMessage(to: .hub(lab.hub + ".new"), body: "n".bytes, id: "n", key: "k")
    group.append(settlement: .complete(deliveries[3].receipt), outputs: [fresh])
    #expect(await consumer.commit(group).errors.mapValues(\.code) == [1: .configuration, 2: .configuration])
    #expect(try await lab.broker.bounds(of: lab.hub).map(\.count) == [0, 0, 1, 0])
    let made = try await lab.broker.bounds(of: lab.hub + ".new")
    #expect(made.count == 4)
    #expect(made[PartitionChoice.partition(of: "k", count: 4)].count == 1)
    #expect(try await lab.broker.counts(of: lab.lab.queue).unsettled == 2)
    try await lab.broker.delete(hub: lab.hub + ".new")
    await lab.close()
  }

  @Test func queuesAndHubsAreServedByOnePublish() async throws {
    let lab = try await HubLab.open(partitions: 2)
    let far = lab.event("far", partition: 7)
    let result = await withCheckedContinuation { continuation in
      lab.broker.publish([lab.lab.message("q"), far, lab.event("e", partition: 1)]) {
        continuation.resume(returning: $0)
      }
    }
    #expect(result.errors.mapValues(\.code) == [1: .configuration])
    #expect(try await lab.broker.counts(of: lab.lab.queue).ready == 1)
    #expect(try await lab.broker.bounds(of: lab.hub).map(\.count) == [0, 1])
    await lab.close()
  }

  /// Somebody deletes a hub under its publishers and makes another: they find the right partitions again.
  @Test func aPublisherHearsOfAnotherPartitionCount() async throws {
    let lab = try await HubLab.open(partitions: 16)
    let other = try await Lab.open()
    try await lab.broker.publish([lab.event("x", key: "a")])
    try await other.broker.delete(hub: lab.hub)
    _ = try await other.broker.declare(HubDeclaration(name: lab.hub, partitionCount: 1))
    try await lab.lab.until("the event in the only partition") {
      try await lab.broker.publish([lab.event("x", key: "a")])
      return try await other.broker.bounds(of: lab.hub)[0].count != 0
    }
    await other.close()
    try lab.redis("DEL", "\(lab.hub):3")
    await lab.close()
  }
}

extension String {
  var bytes: Bytes { Bytes(self) }
}
