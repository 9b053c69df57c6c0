import Foundation
import MartletCore
import Testing

@testable import MartletEmbedded

@Suite struct StoreSuspectTests {
  @Test func theDeadLeaveSuspectsThatAreCounted() throws {
    let bench = try StoreBench()
    let (dead, living) = (try bench.consumer(), try bench.consumer())
    try bench.send("a", "b", "c")
    let held = try bench.claim(2, for: dead)
    try bench.transaction { (store: Store) throws in
      _ = try store.complete(held[0].place, through: held[0].place)
      try store.orphanClaims(of: dead)
    }
    #expect(try bench.store.counts(of: "q") == QueueCounts(ready: 2))
    #expect(try bench.claim(9, for: living).ids == ["c"])
    let suspect = try #require(try bench.claimSuspect(for: living))
    #expect(suspect.message.id == "b")
    #expect(suspect.isSuspect)
    #expect(suspect.attempt == 2)
    #expect(try bench.claimSuspect(for: living) == nil)
    #expect(try bench.store.counts(of: "q") == QueueCounts(unsettled: 2))
  }

  @Test func eachFurtherDeathCountsOne() throws {
    let bench = try StoreBench()
    let first = try bench.consumer()
    try bench.send("a")
    _ = try bench.claim(1, for: first)
    try bench.transaction { try $0.orphanClaims(of: first) }
    for attempt in 2...4 {
      let next = try bench.consumer()
      #expect(try bench.claimSuspect(for: next)?.attempt == attempt)
      try bench.transaction { try $0.orphanClaims(of: next) }
    }
  }

  @Test func afterARetryASuspectIsAMessageAgain() throws {
    let bench = try StoreBench()
    let (first, second) = (try bench.consumer(), try bench.consumer())
    try bench.send("a")
    _ = try bench.claim(1, for: first)
    try bench.transaction { try $0.orphanClaims(of: first) }
    let suspect = try #require(try bench.claimSuspect(for: second))
    try bench.transaction { _ = try $0.retry(suspect.place, attempts: suspect.attempt, due: 0, now: 0) }
    let again = try bench.claim(1, for: second)
    #expect(again.map(\.attempt) == [3])
    #expect(again.map(\.isSuspect) == [false])
    try bench.transaction { try $0.orphanClaims(of: second) }
    #expect(try bench.claimSuspect(for: first)?.attempt == 4)
  }

  @Test func aReleasedSuspectKeepsTheDeathAlone() throws {
    let bench = try StoreBench()
    let (first, second) = (try bench.consumer(), try bench.consumer())
    try bench.send("a")
    _ = try bench.claim(1, for: first)
    try bench.transaction { try $0.orphanClaims(of: first) }
    #expect(try bench.claimSuspect(for: second)?.attempt == 2)
    try bench.transaction { try $0.endConsumer(second) }
    let third = try bench.consumer()
    #expect(try bench.claim(1, for: third).map(\.attempt) == [2])
  }

  @Test func aTakeOverEndsTheLeaseAndItsConsumers() throws {
    let bench = try StoreBench()
    let consumer = try bench.consumer()
    try bench.send("a")
    _ = try bench.claim(1, for: consumer)
    let store = bench.store
    #expect(try store.expiredInstances(besides: 0, bootID: "boot", now: 99).isEmpty)
    #expect(try store.expiredInstances(besides: bench.instance, bootID: "boot", now: 100).isEmpty)
    #expect(try store.expiredInstances(besides: 0, bootID: "boot", now: 100).map(\.id) == [bench.instance])
    #expect(try store.expiredInstances(besides: 0, bootID: "another start", now: 0).map(\.id) == [bench.instance])
    try bench.transaction { try $0.takeOver(bench.instance) }
    #expect(try store.lastNumber(of: bench.instance, as: "one") == nil)
    #expect(try store.claims(of: consumer).isEmpty)
    #expect(try store.claims(of: Store.nobody).count == 1)
    // Keys are fences: never given twice.
    let next = try bench.transaction { (store: Store) throws in
      try store.insert(Store.Instance(name: "", app: "", processID: 1, bootID: ""), deadline: 0, number: 0)
    }
    #expect(next > bench.instance)
  }

  @Test func newsTellWhatChanged() throws {
    let bench = try StoreBench()
    let consumer = try bench.consumer()
    let start = try bench.store.news()
    try bench.send("a")
    try bench.send("b", to: "other")
    #expect(try bench.store.news() == start + 2)
    #expect(try bench.store.queues(changedSince: start).count == 2)
    #expect(try bench.store.queues(changedSince: start + 1).count == 1)
    _ = try bench.claim(1, for: consumer)
    #expect(try bench.store.news() == start + 2)
    try bench.transaction { try $0.takeOver(bench.instance) }
    #expect(try bench.store.news() == start + 3)
  }

  @Test func aSavepointUndoesOnlyItself() throws {
    let bench = try StoreBench()
    try bench.transaction { (store: Store) throws in
      func insert(_ id: String) throws(SQLiteError) {
        try store.insert(
          OutgoingMessage(to: .queue("q"), body: [], id: id), into: store.queueCreating(named: "q"), now: 0)
      }
      try insert("a")
      #expect(throws: SQLiteError.self) {
        try store.savepoint { () throws(SQLiteError) in
          try insert("b")
          throw SQLiteError(code: 1, message: "on purpose")
        }
      }
      try insert("c")
    }
    let consumer = try bench.consumer()
    #expect(try bench.claim(9, for: consumer).ids == ["a", "c"])
    #expect(try bench.store.counts(of: "q") == QueueCounts(unsettled: 2))
  }

  @Test func aDeletedQueueIsSweptBitByBit() throws {
    let bench = try StoreBench()
    let consumer = try bench.consumer()
    try bench.send("a", "b", "c", "d")
    try bench.send("late") { $0.deliverAt = .distantFuture }
    let held = try bench.claim(2, for: consumer)
    try bench.transaction { (store: Store) throws in
      let reason = DeadLetterReason(
        code: .rejected, function: nil, errorType: nil, errorText: "", attempts: 1, source: .queue("q"))
      _ = try store.bury(held[0].place, attempts: 1, reason: reason)
      try store.delete(queueNamed: "q")
    }
    #expect(try bench.store.counts(of: "q") == QueueCounts())
    try bench.send("new")
    // Not before its last consumer has left: until then that may still settle.
    #expect(try bench.store.deletedQueue() == nil)
    try bench.transaction { try $0.deleteConsumer(consumer) }
    var sweeps = 0
    while let queue = try bench.store.deletedQueue() {
      try bench.transaction { try $0.sweep(queue, limit: 2) }
      sweeps += 1
    }
    #expect((3...5).contains(sweeps))
    #expect(try bench.store.claims(of: consumer).isEmpty)
    #expect(try bench.store.counts(of: "q") == QueueCounts(ready: 1))
    // A late settlement of what was swept does nothing.
    try bench.transaction { (store: Store) throws in
      #expect(try store.retry(held[1].place, attempts: 1, due: 0, now: 0) == false)
      #expect(try store.release(held[1].place, attempts: 1) == false)
    }
    #expect(try bench.store.counts(of: "q") == QueueCounts(ready: 1))
  }
}
