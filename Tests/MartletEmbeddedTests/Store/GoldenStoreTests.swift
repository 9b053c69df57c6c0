import Foundation
import MartletCore
import Testing

@testable import MartletEmbedded

/// What a release has written is read by every later one.
@Suite struct GoldenStoreTests {
  private func golden(_ version: Int = 1, at file: String) throws -> Database {
    let dump = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Golden/store-\(version).sql")
    let database = try Database(path: file, mayCreate: true)
    try database.execute(String(contentsOf: dump, encoding: .utf8))
    return database
  }

  private func tables(of database: Database) throws -> String? {
    try database.first(
      "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name)"
    ) { $0.text(0) }
  }

  @Test func theTablesOfLayout3AreTheSame() throws {
    let scratch = try Scratch()
    let written = try tables(of: golden(3, at: scratch.file))
    #expect(try tables(of: StoreOpening.open(EmbeddedLocation(path: nil), now: 0).database) == written)
  }

  @Test(arguments: [(1, 5), (2, 0)]) func anOlderStoreIsBroughtToLayout3(version: Int, messages: Int64) throws {
    let (old, new) = (try Scratch(), try Scratch())
    let written = try tables(of: golden(3, at: new.file))
    #expect(try tables(of: golden(version, at: old.file)) != written)
    for _ in 0..<2 {
      let database = try StoreOpening.open(EmbeddedLocation(path: old.file), now: 0).database
      #expect(try tables(of: database) == written)
      #expect(try database.first("PRAGMA user_version") { $0.integer(0) } == 3)
      #expect(try database.first("SELECT count(*) FROM message") { $0.integer(0) } == messages)
    }
  }

  @Test func aStoreOfLayout3IsRead() async throws {
    let scratch = try Scratch()
    _ = try golden(3, at: scratch.file)
    let broker = try await EmbeddedBroker.open(scratch.path)
    #expect(try await broker.remembered(of: ["m1", "m2", "m3"], in: "orders") == ["m1"])
    #expect(try await broker.remembered(of: ["m1", "m2", "m3"], in: "orders@eu") == ["m2"])
    #expect(try await broker.groups(of: "readings") == ["detect"])
    await broker.shut()
  }

  @Test func aStoreOfLayout2IsRead() async throws {
    let scratch = try Scratch()
    _ = try golden(2, at: scratch.file)
    let broker = try await EmbeddedBroker.open(scratch.path)
    let hub = try await broker.declare(HubDeclaration(name: "readings"))
    let retention = HubRetention(age: .seconds(3600), bytes: 1000, count: 3)
    #expect(hub == HubDescription(name: "readings", partitionCount: 2, retention: retention))
    let bounds = try await broker.bounds(of: "readings")
    #expect(
      bounds == [
        PartitionBounds(
          partition: 0, count: 3, first: EventOffset(low: 2), last: EventOffset(low: 4),
          firstEnqueuedAt: Date(timeIntervalSince1970: 1000),
          tail: PartitionTail(
            sequenceNumber: 4, offset: EventOffset(low: 4), enqueuedAt: Date(timeIntervalSince1970: 1000))),
        PartitionBounds(partition: 1, count: 0, tail: PartitionTail(sequenceNumber: -1)),
      ])
    let group = ConsumerGroup(hub: "readings", name: "detect")
    let records = try await broker.records(of: group, partitionCount: 2)
    let position = PartitionPosition(
      checkpoint: EventOffset(low: 2), sequenceNumber: 2, eventID: "e2",
      enqueuedAt: Date(timeIntervalSince1970: 1000), finished: [EventOffset(low: 4)])
    let suspect = SuspectEvent(offset: EventOffset(high: 17, low: 3), attempt: 2)
    #expect(
      records == [
        PartitionRecord(
          partition: 0, owner: "one", epoch: 2, lastCommit: 1, position: position, deaths: 1, suspect: suspect),
        PartitionRecord(partition: 1),
      ])
    let partition = GroupPartition(group: group, number: 0)
    #expect(try await broker.values(of: ["k", "gone"], in: partition) == ["k": [0, 255]])
    #expect(try await broker.groups(of: "readings") == ["detect"])
    #expect(try await broker.deadLetters(of: "readings/detect", limit: 9).map(\.reason.errorText) == ["no number"])
    let inbox = EventInbox()
    let reader = try await broker.read(partition.partition, after: position, function: "f", handler: inbox)
    reader.grant(9)
    let events = try await inbox.next(2)
    #expect(events.map(\.message.id) == ["e3", "everything"])
    let message = events[1].message
    #expect(message.body == [0, 255, 10])
    #expect(message.contentType == ContentType("image/png"))
    #expect(message.key == "k")
    #expect(Array(message.headers) == [Header("a", "ü"), Header("b", "2")])
    #expect(message.trace?.traceparent == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    #expect(message.enqueuedAt == Date(timeIntervalSince1970: 1000))
    #expect(message.expiresAt == Date(timeIntervalSince1970: 1900))
    let gap = EventInbox()
    let nowhere = PartitionPosition()
    let late = try await broker.read(partition.partition, after: nowhere, function: "f", handler: gap)
    late.grant(1)
    #expect(try await gap.loss() == .retentionGap(missing: 2))
    await broker.shut()
  }

  @Test func aStoreOfLayout1IsRead() async throws {
    let scratch = try Scratch()
    _ = try golden(at: scratch.file)
    let broker = try await EmbeddedBroker.open(scratch.path)
    #expect(try await broker.counts(of: "orders").delayed == 1)
    let (consumer, inbox) = try await broker.read("orders", prefetch: 10)
    var deliveries: [String: Delivery] = [:]
    while deliveries.count < 4 {
      let delivery = try await inbox.next()[0]
      deliveries[delivery.message.id] = delivery
      #expect(await consumer.complete([delivery]).isApplied)
    }
    #expect(deliveries.filter(\.value.isSuspect).keys.sorted() == ["in work", "suspect"])
    #expect(deliveries.mapValues(\.attempt) == ["suspect": 2, "in work": 2, "again": 2, "everything": 1])
    let message = try #require(deliveries["everything"]?.message)
    #expect(message.body == [0, 255, 10])
    #expect(message.contentType == ContentType("image/png"))
    #expect(message.key == "k")
    #expect(Array(message.headers) == [Header("a", "ü"), Header("b", "2")])
    #expect(message.trace?.traceparent == "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    #expect(message.trace?.state == "a=1")
    #expect(message.enqueuedAt == Date(timeIntervalSince1970: 1000))
    #expect(message.expiresAt == Date(timeIntervalSince1970: 3_000_001_000))
    let dead = try await broker.deadLetters(of: "orders", limit: 9)
    #expect(dead.map(\.message.id) == ["set aside"])
    #expect(
      dead.map(\.reason) == [
        DeadLetterReason(
          code: .rejected, function: "bill", errorType: "E", errorText: "no such customer", attempts: 1,
          source: .queue("orders"), time: Date(timeIntervalSince1970: 1_800_000_000),
          traceID: "0af7651916cd43dd8448eb211c80319c")
      ])
    #expect(try await broker.counts(of: "orders") == QueueCounts(delayed: 1, dead: 1))
    await broker.shut()
  }
}
