import Foundation
import MartletCore
import Testing

@testable import MartletEmbedded

/// What goes wrong between the thread and the store.
@Suite struct EngineFaultTests {
  /// Runs on the connection thread.
  private func perform(on broker: EmbeddedBroker, _ body: @escaping @Sendable (Engine) -> Void) async {
    await withCheckedContinuation { continuation in
      broker.inbox.send(
        .perform { engine in
          body(engine)
          continuation.resume()
        })
    }
  }

  @Test(arguments: [true, false])
  func aLostAnswerIsNotDoneTwice(isFirst: Bool) async throws {
    let scratch = try Scratch()
    let broker = try await EmbeddedBroker.open(scratch.path)
    if !isFirst { try await broker.send("before", to: "out") }
    let failures = Counter()
    await perform(on: broker) { engine in
      engine.afterCommit = { _ throws(SQLiteError) in
        if failures.next() == 1 { throw SQLiteError(code: 10, message: "on purpose") }
      }
    }
    try await broker.send("a", to: "in")
    #expect(try await broker.counts(of: "in") == QueueCounts(ready: 1))
    let (consumer, inbox) = try await broker.read("in", prefetch: 1)
    let delivery = try await inbox.next()[0]
    failures.reset()
    let output = OutgoingMessage(to: .queue("out"), body: [], id: "x")
    #expect(await consumer.settle(.complete(delivery.receipt), outputs: [output]).isApplied)
    #expect(failures.value >= 1)
    #expect(try await broker.counts(of: "out") == QueueCounts(ready: isFirst ? 1 : 2))
    #expect(try await broker.counts(of: "in") == QueueCounts())
    // What the lost transaction claimed was handed out.
    try await broker.send("b", to: "in")
    #expect(try await inbox.next().map(\.message.id) == ["b"])
    await broker.shut()
  }

  @Test func aFullDiskIsWaitedFor() async throws {
    let scratch = try Scratch()
    let broker = try await EmbeddedBroker.open(scratch.path)
    let (consumer, inbox) = try await broker.read("in")
    try await broker.send("a", to: "in")
    let delivery = try await inbox.next()[0]
    let pages = Counter()
    await perform(on: broker) { engine in
      let count = try? engine.store?.database.first("PRAGMA page_count") { $0.integer(0) }
      try? engine.store?.database.execute("PRAGMA max_page_count = \(count ?? 0)")
      pages.set(Int(count ?? 0))
    }
    #expect(pages.value > 0)
    var group = CommitGroup()
    let large = OutgoingMessage(to: .queue("out"), body: Bytes(Array(repeating: 1, count: 1 << 20)), id: "large")
    group.append(settlement: .complete(delivery.receipt), outputs: [large])
    let isDone = Counter()
    async let result = {
      let result = await consumer.commit(group)
      isDone.set(1)
      return result
    }()
    try await inbox.wait { $0.problems.contains { $0?.code == .exhausted } }
    #expect(isDone.value == 0)
    await perform(on: broker) { engine in
      try? engine.store?.database.execute("PRAGMA max_page_count = 1000000")
    }
    #expect(await result.isApplied)
    try await inbox.wait { $0.problems.last.map { $0 == nil } ?? false }
    #expect(try await broker.counts(of: "out") == QueueCounts(ready: 1))
    #expect(try await broker.counts(of: "in") == QueueCounts())
    await broker.shut()
  }

  @Test func anImpossibleWorkDoesNotHarmOthers() async throws {
    let broker = try await EmbeddedBroker.open(nil)
    let (consumer, inbox) = try await broker.read("in", prefetch: 3)
    try await broker.send("1", "2", "3", to: "in")
    let deliveries = try await inbox.next(3)
    await perform(on: broker) { engine in
      try? engine.store?.database.execute(
        """
        CREATE TEMP TRIGGER refuse BEFORE INSERT ON message WHEN NEW.id = 'bad'
        BEGIN SELECT RAISE(ABORT, 'on purpose'); END
        """)
    }
    var group = CommitGroup()
    for (delivery, id) in zip(deliveries, ["one", "bad", "three"]) {
      group.append(
        settlement: .complete(delivery.receipt), outputs: [OutgoingMessage(to: .queue("out"), body: [], id: id)])
    }
    let work = group
    // Handed in together, so that they share a transaction.
    let results = Gathered<String>()
    await perform(on: broker) { engine in
      engine.accept(
        .work(
          .publish([OutgoingMessage(to: .queue("out"), body: [], id: "before")]) {
            results.add("before \($0.isApplied)")
          })
      )
      engine.accept(.work(.commit(consumer: 1, work) { results.add("group \($0.errors.keys.sorted())") }))
      engine.accept(
        .work(
          .publish([OutgoingMessage(to: .queue("out"), body: [], id: "bad")]) { results.add("bad \($0.errors.count)") })
      )
      engine.accept(
        .work(
          .publish([OutgoingMessage(to: .queue("out"), body: [], id: "after")]) { results.add("after \($0.isApplied)") }
        ))
    }
    #expect(try await broker.counts(of: "out") == QueueCounts(ready: 4))
    #expect(results.all == ["before true", "group [1]", "bad 1", "after true"])
    #expect(try await broker.counts(of: "in") == QueueCounts(unsettled: 1))
    #expect(await consumer.settle(.release(deliveries[1])).isApplied)
    #expect(try await inbox.next().map(\.message.id) == ["2"])
    await broker.shut()
  }

  @Test func aFileThatWasMovedAwayIsMadeAnew() async throws {
    let scratch = try Scratch()
    let broker = try await EmbeddedBroker.open(scratch.path)
    let (consumer, inbox) = try await broker.read("in", prefetch: 1)
    try await broker.send("old", to: "in")
    let delivery = try await inbox.next()[0]
    for suffix in ["", "-wal", "-shm"] {
      try FileManager.default.moveItem(atPath: scratch.file + suffix, toPath: scratch.path + "/moved" + suffix)
    }
    try await inbox.wait { $0.revoked == 2 }
    #expect(await consumer.complete([delivery]).isLost)
    try await broker.send("new", to: "in")
    #expect(try await inbox.next().map(\.message.id) == ["new"])
    await broker.shut()
  }
}

/// A number that several threads touch.
final class Counter: Sendable {
  private let state = Locked(0)
  var value: Int { state.withLock { $0 } }
  func set(_ value: Int) { state.withLock { $0 = value } }
  func reset() { set(0) }
  func next() -> Int {
    state.withLock { state in
      state += 1
      return state
    }
  }
}

/// Values in the order in which they came.
final class Gathered<Value: Sendable>: Sendable {
  private let state = Locked<[Value]>([])
  var all: [Value] { state.withLock { $0 } }
  func add(_ value: Value) { state.withLock { $0.append(value) } }
}
