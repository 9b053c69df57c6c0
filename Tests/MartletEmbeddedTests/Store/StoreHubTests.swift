import Foundation
import MartletCore
import Testing

@testable import MartletEmbedded

@Suite struct StoreHubTests {
  private let store: MartletEmbedded.Store

  init() throws { store = try StoreOpening.open(EmbeddedLocation(path: nil), now: 0) }

  @discardableResult
  private func write<Value>(_ body: () throws -> Value) throws -> Value {
    try store.begin(isDurable: true)
    let value = try body()
    _ = try store.commit()
    return value
  }

  private func partition(_ number: Int = 0, of hub: String = "h") throws -> PartitionRow {
    let hub = try store.hub(named: hub) ?? store.insertHub(named: hub, partitionCount: 2)
    return try #require(try store.partition(number, of: hub))
  }

  private func send(_ ids: String..., at now: Int64 = 1_000, body: Bytes? = nil) throws {
    try write {
      for id in ids {
        try store.insert(
          OutgoingMessage(to: .hub("h"), body: body ?? Bytes(id), id: id), into: try partition(), now: now)
      }
    }
  }

  private func read(from number: Int64 = 0, _ count: Int = 100, bytes: Int = 1 << 20) throws -> [Event] {
    var arena = ByteArena()
    let allowance = MartletEmbedded.Store.Allowance(messages: count, bytes: bytes)
    return try store.read(from: number, of: try partition(), allowance, arena: &arena).events
  }

  @Test func numbersAreDenseAndNeverUsedTwice() throws {
    try send("a", "b", "c")
    #expect(try read().map(\.sequenceNumber) == [0, 1, 2])
    #expect(try read().map(\.offset) == [0, 1, 2].map { EventOffset(low: $0) })
    let gone = try write { try store.trim(partition(), to: HubRetention(count: 0), now: 0, limit: 99) }
    #expect(gone == 3)
    try send("d")
    #expect(try read(from: 3).map(\.sequenceNumber) == [3])
    let row = try partition()
    #expect(row.head == 3 && row.tail == 4 && row.bytes == 1)
  }

  @Test func aRolledBackEventLeavesNoGap() throws {
    try send("a")
    try store.begin(isDurable: true)
    try store.insert(OutgoingMessage(to: .hub("h"), body: [], id: "no"), into: partition(), now: 1_000)
    store.rollback()
    try send("b")
    #expect(try read().map(\.message.id) == ["a", "b"])
    #expect(try read().map(\.sequenceNumber) == [0, 1])
  }

  @Test func partitionsDoNotMix() throws {
    try send("a", "b")
    try write {
      try store.insert(OutgoingMessage(to: .hub("h"), body: [], id: "x"), into: partition(1), now: 1_000)
    }
    #expect(try read().map(\.message.id) == ["a", "b"])
    #expect(try store.bounds(of: partition(1)).count == 1)
  }

  @Test func aChunkEndsAtItsBytesButHasOneEvent() throws {
    for id in ["a", "b", "c"] { try send(id, body: Bytes(Array(repeating: 1, count: 100))) }
    #expect(try read(bytes: 50).map(\.message.id) == ["a"])
    #expect(try read(bytes: 250).map(\.message.id) == ["a", "b"])
    #expect(try read(from: 1, 1).map(\.message.id) == ["b"])
  }

  @Test func timesDoNotGoBackWithTheClock() throws {
    try send("a", at: 5_000)
    try send("b", at: 3_000)
    try send("c", at: 6_000)
    #expect(try read().map { $0.message.enqueuedAt?.timeIntervalSince1970 } == [5, 5, 6])
    #expect(try partition().end.enqueuedAt == Date(timeIntervalSince1970: 6))
  }

  @Test func aTimeIsFoundByHalves() throws {
    for number in 0..<100 { try send("e\(number)", at: Int64(number / 3) * 1_000) }
    func first(since time: Double) throws -> Int64 {
      let start = InitialOffset.fromEnqueuedTime(Date(timeIntervalSince1970: time))
      return try store.position(before: start, in: partition()).sequenceNumber + 1
    }
    #expect(try first(since: -5) == 0)
    #expect(try first(since: 0) == 0)
    #expect(try first(since: 0.001) == 3)
    #expect(try first(since: 7) == 21)
    #expect(try first(since: 33) == 99)
    #expect(try first(since: 33.5) == 100)
    try write { try store.trim(partition(), to: HubRetention(count: 50), now: 0, limit: 99) }
    #expect(try first(since: 7) == 50)
  }

  @Test func retentionRemovesWhatAnyLimitLetsGo() throws {
    for number in 0..<10 { try send("e", at: Int64(number) * 1_000, body: Bytes(Array(repeating: 1, count: 10))) }
    func trim(_ retention: HubRetention, limit: Int = 99) throws -> Int {
      try write { try store.trim(partition(), to: retention, now: 10_000, limit: limit) }
    }
    #expect(try trim(HubRetention()) == 0)
    #expect(try trim(HubRetention(age: .seconds(60), bytes: 100, count: 10)) == 0)
    #expect(try trim(HubRetention(age: .seconds(9))) == 1)
    #expect(try trim(HubRetention(bytes: 89)) == 1)
    #expect(try trim(HubRetention(age: .seconds(60), count: 7)) == 1)
    #expect(try trim(HubRetention(count: 1), limit: 2) == 2)
    #expect(try trim(HubRetention(count: 1), limit: 2) == 2)
    #expect(try trim(HubRetention(count: 1), limit: 2) == 2)
    #expect(try trim(HubRetention(count: 1), limit: 2) == 0)
    #expect(try partition().bytes == 10)
  }

  @Test func aPositionThatCannotBeHeldIsTold() throws {
    try send("a", "b", "c", "d")
    let events = try read()
    func loss(_ change: (inout PartitionPosition) -> Void) throws -> EventLoss? {
      var position = PartitionPosition(
        checkpoint: events[1].offset, sequenceNumber: 1, eventID: "b", enqueuedAt: events[1].message.enqueuedAt)
      change(&position)
      return try store.loss(after: position, in: partition())
    }
    #expect(try loss { _ in } == nil)
    #expect(try loss { $0.eventID = nil } == nil)
    #expect(try loss { $0.enqueuedAt = nil } == nil)
    #expect(try loss { $0.eventID = "x" } == .recreated)
    #expect(try loss { $0.enqueuedAt = Date() } == .recreated)
    #expect(try loss { $0.checkpoint = EventOffset(low: 4) } == .recreated)
    #expect(try loss { $0.checkpoint = EventOffset(high: 1, low: 1) } == .recreated)
    #expect(try loss { $0.checkpoint = EventOffset(low: .max) } == .recreated)
    try write { try store.trim(partition(), to: HubRetention(count: 1), now: 0, limit: 99) }
    #expect(try loss { _ in } == .retentionGap(missing: 1))
    #expect(try loss { $0.checkpoint = nil } == .retentionGap(missing: 3))
    #expect(try loss { $0.checkpoint = EventOffset(low: 2) } == nil)
  }

  @Test func aDeletedHubIsSweptBitByBit() throws {
    for _ in 0..<30 { try send("e") }
    let group = ConsumerGroup(hub: "h", name: "g")
    let owned = GroupPartition(group: group, number: 0)
    try write {
      _ = try store.claim(owned, as: "m", expecting: 0, afterDeath: false)
      let values = Dictionary(uniqueKeysWithValues: (0..<30).map { ("k\($0)", Optional(Bytes("v"))) })
      let id = try #require(try store.group(group))
      try store.write(PartitionCommit(partition: owned, epoch: 1, number: 1, values: values), in: id)
      try store.delete(hubNamed: "h")
    }
    #expect(try store.snapshot { () throws(SQLiteError) in try store.hub(named: "h")?.id } == nil)
    #expect(try store.group(group) == nil)
    var rounds = 0
    while try store.hasDeletedHub() {
      _ = try write { try store.sweepHubs(limit: 7) }
      rounds += 1
      try #require(rounds < 100)
    }
    #expect(rounds > 8)
    for table in ["event", "hub", "hub_partition", "consumer_group", "group_partition", "keyed_value"] {
      #expect(try store.database.first("SELECT count(*) FROM \(table)") { $0.integer(0) } == 0, "\(table)")
    }
  }

  @Test func aHubOfThatNameIsAnotherOneAfterwards() throws {
    try send("a")
    let old = try #require(try store.snapshot { () throws(SQLiteError) in try store.hub(named: "h")?.id })
    try write { try store.delete(hubNamed: "h") }
    try send("b")
    let new = try store.snapshot { () throws(SQLiteError) in try store.hub(named: "h")?.id }
    #expect(new != old)
    #expect(try read().map(\.message.id) == ["b"])
  }
}

extension StoreHubTests {
  @Test func theNewestStaysHoweverLargeItIs() throws {
    try send("a", "b", "c", body: Bytes(Array(repeating: 7, count: 100)))
    let retention = HubRetention(bytes: 10)
    #expect(try write { try store.trim(partition(), to: retention, now: 0, limit: 99) } == 2)
    #expect(try read().map(\.message.id) == ["c"])
    #expect(try write { try store.trim(partition(), to: retention, now: 0, limit: 99) } == 0)
  }

  /// What somebody, or a broken disk, made of a record is never taken for a group without a position.
  @Test(arguments: [
    ("checkpoint", "'4x'", "checkpoint is \"4x\""), ("checkpoint", "NULL", "checkpoint is missing"),
    ("finished", "'43 x'", "finished is \"43 x\""), ("sequence", "NULL", "sequence is missing"),
  ])
  func whatMakesNoSenseInARecordIsNamed(column: String, value: String, text: String) throws {
    let owned = GroupPartition(group: ConsumerGroup(hub: "h", name: "g"), number: 1)
    let position = PartitionPosition(
      checkpoint: EventOffset(low: 41), sequenceNumber: 41, finished: [EventOffset(low: 43)])
    try write { try store.move(owned, to: position) }
    let number = "number = 1"
    try write { try store.database.execute("UPDATE group_partition SET finished = '43' WHERE \(number)") }
    #expect(try store.records(of: owned.group, count: 2)[1].position == position)
    try write { try store.database.execute("UPDATE group_partition SET \(column) = \(value) WHERE \(number)") }
    let found = try store.records(of: owned.group, count: 2)
    #expect(found[1].position == nil)
    #expect(found[1].unreadable == "the table group_partition, number 1: \(text)")
    #expect(found[0].unreadable == nil)
    try write { try store.move(owned, to: PartitionPosition()) }
    #expect(try store.records(of: owned.group, count: 2)[1].unreadable == nil)
  }
}
