import Foundation
import MartletCore
import Testing

@testable import MartletEmbedded

@Suite struct StoreClaimingTests {
  @Test func handsOutInOrderAndEachOnce() throws {
    let bench = try StoreBench()
    let (one, two) = (try bench.consumer(), try bench.consumer())
    try bench.send("a", "b", "c", "d", "e")
    #expect(try bench.claim(2, for: one).ids == ["a", "b"])
    #expect(try bench.claim(2, for: two).ids == ["c", "d"])
    #expect(try bench.claim(2, for: one).ids == ["e"])
    #expect(try bench.claim(2, for: two).isEmpty)
    #expect(try bench.store.counts(of: "q") == QueueCounts(unsettled: 5))
  }

  @Test func stopsAtTheBytesButHandsOutOne() throws {
    let bench = try StoreBench()
    let consumer = try bench.consumer()
    try bench.send("a", "b", "c") { $0.body = Bytes(Array(repeating: 1, count: 100)) }
    #expect(try bench.claim(9, for: consumer, bytes: 50).ids == ["a"])
    #expect(try bench.claim(9, for: consumer, bytes: 250).ids == ["b", "c"])
  }

  @Test func buriesWhatIsTooLarge() throws {
    let bench = try StoreBench()
    let consumer = try bench.consumer()
    try bench.send("small")
    try bench.send("large") { $0.body = Bytes(Array(repeating: 1, count: 100)) }
    try bench.send("other")
    #expect(try bench.claim(9, for: consumer, largest: 99).ids == ["small", "other"])
    let dead = try bench.store.deadLetters(of: "q", limit: 9)
    #expect(dead.map(\.message.id) == ["large"])
    #expect(dead.map(\.reason.code) == [.tooLarge])
    #expect(dead.map(\.message.body.count) == [100])
    #expect(try bench.store.counts(of: "q") == QueueCounts(unsettled: 2, dead: 1))
  }

  /// A row that was never written leaves its number to the next process, which is somebody else.
  @Test func aLeaseIsKnownByItsNameToo() throws {
    let bench = try StoreBench()
    let lost = Store.Instance(name: "lost", app: "a", processID: 1, bootID: "b")
    let other = Store.Instance(name: "other", app: "a", processID: 2, bootID: "b")
    try bench.store.begin(isDurable: false)
    let number = try bench.store.insert(lost, deadline: 1, number: 1)
    bench.store.rollback()
    let same = try bench.transaction { (store: Store) throws in try store.insert(other, deadline: 1, number: 1) }
    #expect(same == number)
    #expect(try bench.store.lastNumber(of: number, as: "lost") == nil)
    #expect(try bench.store.lastNumber(of: number, as: "other") == 1)
  }

  @Test func returnedMessagesComeFirst() throws {
    let bench = try StoreBench()
    let consumer = try bench.consumer()
    try bench.send("a", "b", "c", "d")
    let held = try bench.claim(3, for: consumer)
    try bench.transaction { (store: Store) throws in
      _ = try store.release(held[0].place, attempts: 0)
      _ = try store.retry(held[1].place, attempts: 1, due: 0, now: bench.now)
    }
    #expect(try bench.store.counts(of: "q") == QueueCounts(ready: 3, unsettled: 1))
    let again = try bench.claim(9, for: consumer)
    #expect(again.ids == ["a", "d", "b"])
    #expect(again.map(\.attempt) == [1, 1, 2])
  }

  @Test func expiredMessagesLeaveGapsThatAreCounted() throws {
    let bench = try StoreBench()
    let consumer = try bench.consumer()
    for id in ["a", "b", "c", "d"] {
      try bench.send(id) { if id == "b" || id == "c" { $0.timeToLive = .milliseconds(10) } }
    }
    try bench.transaction { (store: Store) throws in
      try store.expire(now: bench.now + 9, limit: 9)
      #expect(try store.counts(of: "q") == QueueCounts(ready: 4))
      try store.expire(now: bench.now + 10, limit: 9)
    }
    #expect(try bench.store.counts(of: "q") == QueueCounts(ready: 2, dead: 2))
    #expect(try bench.claim(2, for: consumer).ids == ["a", "d"])
    #expect(try bench.store.counts(of: "q") == QueueCounts(unsettled: 2, dead: 2))
    let reasons = try bench.store.deadLetters(of: "q", limit: 9).map(\.reason)
    #expect(reasons.allSatisfy { $0.code == .expired && $0.function == nil && $0.source.name == "q" })
  }

  @Test func whatAConsumerHoldsDoesNotExpire() throws {
    let bench = try StoreBench()
    let consumer = try bench.consumer()
    try bench.send("a") { $0.timeToLive = .milliseconds(10) }
    #expect(try bench.claim(1, for: consumer).ids == ["a"])
    try bench.transaction { store in try store.expire(now: bench.now + 100, limit: 9) }
    #expect(try bench.store.counts(of: "q") == QueueCounts(unsettled: 1))
  }

  @Test func delayedMessagesComeInTheirTime() throws {
    let bench = try StoreBench()
    let consumer = try bench.consumer()
    let time = Date(timeIntervalSince1970: Double(bench.now) / 1000 + 5)
    try bench.send("late") { $0.deliverAt = time }
    try bench.send("at once")
    #expect(try bench.store.nextDue() == bench.now + 5000)
    #expect(try bench.claim(9, for: consumer).ids == ["at once"])
    try bench.transaction { (store: Store) throws in
      #expect(try store.moveDue(now: bench.now + 4999, limit: 9) == 0)
      #expect(try store.counts(of: "q") == QueueCounts(delayed: 1, unsettled: 1))
      #expect(try store.moveDue(now: bench.now + 5000, limit: 9) == 1)
    }
    #expect(try bench.claim(9, for: consumer).ids == ["late"])
    #expect(try bench.store.nextDue() == nil)
  }

  @Test func impossibleTimesAreTheEndOfTime() throws {
    let bench = try StoreBench()
    try bench.send("a") { message in
      message.deliverAt = Date(timeIntervalSince1970: .infinity)
      message.timeToLive = .seconds(Int64.max)
    }
    #expect(try bench.store.counts(of: "q") == QueueCounts(delayed: 1))
    #expect(Store.milliseconds(.nan) == 0)
  }

  @Test func anEmptyQueueBeginsItsNumbersAgain() throws {
    let bench = try StoreBench()
    let consumer = try bench.consumer()
    let far = Int64(1) << (Place.numberBits - 1)
    try bench.transaction { (store: Store) throws in
      let queue = try store.queueCreating(named: "q")
      (queue.heads, queue.tails) = ([0, far], [0, far])
      queue.isDirty = true
    }
    try bench.send("a")
    let held = try bench.claim(1, for: consumer)
    #expect(held[0].place.number == 0)
    try bench.transaction { (store: Store) throws in
      let queue = try store.queueCreating(named: "q")
      (queue.heads, queue.tails) = ([0, far], [0, far])
      queue.isDirty = true
    }
    // While one is in work, its range must not be entered again.
    try bench.send("b")
    #expect(try bench.claim(1, for: consumer)[0].place.number == far)
  }
}
