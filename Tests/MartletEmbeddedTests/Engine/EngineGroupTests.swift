import Foundation
import MartletCore
import Testing

@testable import MartletEmbedded

/// What goes wrong around the commits of consumer groups.
@Suite struct EngineGroupTests {
  private let group = ConsumerGroup(hub: "readings", name: "detect")
  private var partition: GroupPartition { GroupPartition(group: group, number: 0) }

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

  private func commit(_ number: UInt64, output: String = "out", body: Bytes = []) -> PartitionCommit {
    PartitionCommit(
      partition: partition, epoch: 1, number: number,
      position: PartitionPosition(checkpoint: EventOffset(low: number), sequenceNumber: Int64(number)),
      outputs: [
        OutgoingMessage(to: .hub("out"), body: body, id: output, key: "k"),
        OutgoingMessage(to: .queue("out"), body: [], id: output),
      ], values: ["k": Bytes("\(number)")])
  }

  private func apply(_ commit: PartitionCommit, on broker: EmbeddedBroker) async -> CommitResult {
    await withCheckedContinuation { continuation in broker.commit(commit) { continuation.resume(returning: $0) } }
  }

  /// The events of the hub `out`.
  private func outputs(_ broker: EmbeddedBroker) async throws -> Int {
    try await broker.bounds(of: "out").reduce(0) { $0 + ($1.count ?? 0) }
  }

  @Test func aLostAnswerIsNotDoneTwice() async throws {
    let scratch = try Scratch()
    let broker = try await EmbeddedBroker.open(scratch.path)
    _ = try await broker.claim(partition, as: "one", expecting: 0, afterDeath: false)
    let failures = Counter()
    await perform(on: broker) { engine in
      engine.afterCommit = { _ throws(SQLiteError) in
        if failures.next() % 2 == 1 { throw SQLiteError(code: 10, message: "on purpose") }
      }
    }
    for number: UInt64 in 1...5 { #expect(await apply(commit(number), on: broker).isApplied) }
    #expect(failures.value >= 5)
    #expect(try await outputs(broker) == 5)
    #expect(try await broker.counts(of: "out") == QueueCounts(ready: 5))
    #expect(try await broker.records(of: group, partitionCount: 1)[0].lastCommit == 5)
    await broker.shut()
  }

  @Test func aFullDiskIsWaitedFor() async throws {
    let scratch = try Scratch()
    let broker = try await EmbeddedBroker.open(scratch.path)
    _ = try await broker.claim(partition, as: "one", expecting: 0, afterDeath: false)
    _ = try await broker.declare(HubDeclaration(name: "out", partitionCount: 1))
    let inbox = EventInbox()
    let reader = try await broker.read(
      HubPartition(hub: "out", number: 0), after: PartitionPosition(), function: "test", handler: inbox)
    reader.grant(10)
    await perform(on: broker) { engine in
      let count = try? engine.store?.database.first("PRAGMA page_count") { $0.integer(0) }
      try? engine.store?.database.execute("PRAGMA max_page_count = \(count ?? 0)")
    }
    let large = commit(1, body: Bytes(Array(repeating: 1, count: 1 << 20)))
    let result = Task { await apply(large, on: broker) }
    try await inbox.wait { $0.problems.contains { $0?.code == .exhausted } }
    #expect(inbox.all.isEmpty)
    await perform(on: broker) { engine in
      try? engine.store?.database.execute("PRAGMA max_page_count = 1000000")
    }
    #expect(await result.value.isApplied)
    #expect(try await inbox.next().map(\.message.body.count) == [1 << 20])
    try await inbox.wait { $0.problems.last.map { $0 == nil } ?? false }
    await broker.shut()
  }

  @Test func anImpossibleCommitDoesNotHarmOthers() async throws {
    let broker = try await EmbeddedBroker.open(nil)
    _ = try await broker.claim(partition, as: "one", expecting: 0, afterDeath: false)
    _ = try await broker.declare(HubDeclaration(name: "out", partitionCount: 1))
    await perform(on: broker) { engine in
      try? engine.store?.database.execute(
        """
        CREATE TEMP TRIGGER refuse BEFORE INSERT ON event WHEN NEW.id = 'bad'
        BEGIN SELECT RAISE(ABORT, 'on purpose'); END
        """)
    }
    // Handed in together, so that they share a transaction.
    let results = Gathered<String>()
    let (first, bad, second) = (commit(1), commit(2, output: "bad"), commit(2))
    await perform(on: broker) { engine in
      engine.accept(.work(.commitPartition(first) { results.add("first \($0.isApplied)") }))
      engine.accept(.work(.commitPartition(bad) { results.add("bad \($0.errors.keys.sorted())") }))
      engine.accept(.work(.commitPartition(second) { results.add("second \($0.isApplied)") }))
    }
    #expect(try await outputs(broker) == 2)
    #expect(results.all == ["first true", "bad [0, 1]", "second true"])
    #expect(try await broker.counts(of: "out") == QueueCounts(ready: 2))
    let bounds = try await broker.bounds(of: "out")
    #expect(bounds.map(\.tail.sequenceNumber) == [1])
    await broker.shut()
  }

  @Test func deadLettersHaveNoLimitOfSize() async throws {
    let broker = try await EmbeddedBroker.open(nil, maxMessageBytes: 10)
    _ = try await broker.claim(partition, as: "one", expecting: 0, afterDeath: false)
    let reason = DeadLetterReason(
      code: .tooLarge, function: nil, errorType: nil, errorText: "", attempts: 0, source: .hub("readings"))
    let dead = OutgoingMessage(
      to: group.deadLetters, body: Bytes(Array(repeating: 1, count: 11)), id: "large",
      headers: Headers(reason.headers))
    let commit = PartitionCommit(partition: partition, epoch: 1, number: 1, outputs: [dead])
    #expect(await apply(commit, on: broker).isApplied)
    #expect(try await broker.deadLetters(of: group.description, limit: 9).map(\.message.id) == ["large"])
    #expect(try await broker.counts(of: group.description) == QueueCounts(dead: 1))
    await broker.shut()
  }

  @Test func aCommitAfterTheEndIsAnswered() async throws {
    let broker = try await EmbeddedBroker.open(nil)
    _ = try await broker.claim(partition, as: "one", expecting: 0, afterDeath: false)
    await broker.shut()
    #expect(await apply(commit(1), on: broker).isLost)
  }

  @Test func membersOfAnEarlierStartOfTheMachineAreForgotten() async throws {
    let scratch = try Scratch()
    let boot = Locked<Int64>(1_000_000_000)
    func open(_ bootID: String) async throws -> EmbeddedBroker {
      let clock = EmbeddedClock(wall: { 0 }, boot: { boot.withLock { $0 } }, bootID: bootID)
      let broker = try EmbeddedBroker(path: scratch.path, environment: BrokerEnvironment(app: "test"), clock: clock)
      try await broker.start(deadline: .now + .seconds(30))
      return broker
    }
    let first = try await open("this start")
    _ = try await first.attend(group, as: "a", expiration: .seconds(1))
    boot.withLock { $0 += 9_999_000_000 }
    let two = try await first.attend(group, as: "b", expiration: .seconds(1))
    #expect(two == [GroupMember(id: "a", silence: .milliseconds(9_999)), GroupMember(id: "b", silence: .zero)])
    boot.withLock { $0 += 2_000_000 }
    #expect(try await first.attend(group, as: "b", expiration: .seconds(1)).map(\.id) == ["b"])
    await first.shut()
    let second = try await open("the next start")
    #expect(try await second.attend(group, as: "c", expiration: .seconds(1)).map(\.id) == ["c"])
    await second.shut()
  }
}
