import Foundation
import MartletCore
import Testing

@testable import MartletEmbedded

/// What a release has written is read by every later one.
@Suite struct GoldenStoreTests {
  private func golden(at file: String) throws -> Database {
    let dump = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Golden/store-1.sql")
    let database = try Database(path: file, mayCreate: true)
    try database.execute(String(contentsOf: dump, encoding: .utf8))
    return database
  }

  @Test func theTablesOfLayout1AreTheSame() throws {
    let schema =
      "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name)"
    let scratch = try Scratch()
    let written = try golden(at: scratch.file).first(schema) { $0.text(0) }
    let now = try StoreOpening.open(EmbeddedLocation(path: nil), now: 0).database.first(schema) { $0.text(0) }
    #expect(now == written)
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
