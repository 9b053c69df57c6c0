import Foundation
import MartletCore
import Testing

@testable import MartletEmbedded

@Suite struct EngineClockTests {
  /// Clocks that stand until they are set.
  private final class Clocks: Sendable {
    private let state = Locked<(wall: Int64, boot: Int64)>((1_000_000_000_000, 1_000_000_000_000))
    var clock: EmbeddedClock {
      EmbeddedClock(
        wall: { self.state.withLock { $0.wall } }, boot: { self.state.withLock { $0.boot } }, bootID: "this start")
    }
    func advance(wall: Duration = .zero, boot: Duration = .zero) {
      state.withLock { state in
        state.wall += Int64(wall / .milliseconds(1))
        state.boot += Int64(boot / .nanoseconds(1))
      }
    }
    var date: Date { Date(timeIntervalSince1970: Double(state.withLock { $0.wall }) / 1000) }
  }

  private func open(_ path: String?, _ clocks: Clocks) async throws -> EmbeddedBroker {
    let environment = BrokerEnvironment(app: "test", logger: Logger(sink: .discard), lease: .seconds(30))
    let broker = try EmbeddedBroker(path: path, environment: environment, clock: clocks.clock)
    try await broker.start(deadline: .now + .seconds(30))
    return broker
  }

  /// Looks around now, and answers from the thread.
  private func look<Value: Sendable>(_ broker: EmbeddedBroker, _ read: @escaping @Sendable (Engine) -> Value) async
    -> Value
  {
    await withCheckedContinuation { continuation in
      broker.inbox.send(
        .perform { engine in
          engine.nextLook = .now
          try? engine.lookAround()
          continuation.resume(returning: read(engine))
        })
    }
  }

  @Test func schedulesFollowTheWallClock() async throws {
    let clocks = Clocks()
    let broker = try await open(nil, clocks)
    let (_, inbox) = try await broker.read("in")
    try await broker.publish([
      OutgoingMessage(to: .queue("in"), body: [], id: "late", deliverAt: clocks.date.addingTimeInterval(3600)),
      OutgoingMessage(to: .queue("unread"), body: [], id: "short", timeToLive: .seconds(3600)),
    ])
    #expect(try await broker.counts(of: "in") == QueueCounts(delayed: 1))
    clocks.advance(wall: .milliseconds(3_599_999))
    #expect(await look(broker) { $0.hasExpired } == false)
    #expect(try await broker.counts(of: "in") == QueueCounts(delayed: 1))
    clocks.advance(wall: .milliseconds(1))
    #expect(await look(broker) { $0.hasExpired })
    #expect(try await inbox.next().ids == ["late"])
    let dead = try await broker.deadLetters(of: "unread", limit: 9)
    #expect(dead.map(\.reason.code) == [.expired])
    #expect(dead.map(\.reason.time) == [clocks.date])
    await broker.shut()
  }

  @Test func aSilentProcessIsTakenOver() async throws {
    let scratch = try Scratch()
    let (silent, clocks) = (Clocks(), Clocks())
    let one = try await open(scratch.path, silent)
    let (consumer, inbox) = try await one.read("in")
    try await one.send("a", to: "in")
    let held = try await inbox.next()
    let two = try await open(scratch.path, clocks)
    let (_, other) = try await two.read("in")
    for _ in 0..<29 {
      clocks.advance(boot: .seconds(1))
      #expect(await look(two) { $0.expiredInstances.isEmpty })
    }
    clocks.advance(boot: .seconds(1))
    #expect(await look(two) { $0.expiredInstances.count } == 1)
    let suspect = try await other.next()
    #expect(suspect.map(\.isSuspect) == [true])
    #expect(suspect.map(\.attempt) == [2])
    // It wakes up, and what it did in the meantime is refused.
    #expect(await consumer.complete(held).isLost)
    #expect(inbox.revoked == 2)
    await one.shut()
    await two.shut()
  }

  @Test func whoWasStoppedItselfGivesTheOthersTimeToRenew() async throws {
    let scratch = try Scratch()
    let (late, clocks) = (Clocks(), Clocks())
    let one = try await open(scratch.path, late)
    let (_, inbox) = try await one.read("in")
    try await one.send("a", to: "in")
    _ = try await inbox.next()
    let two = try await open(scratch.path, clocks)
    _ = try await two.read("in")
    _ = await look(two) { _ in }
    // The machine slept, or both waited for a third one that was stopped inside of a transaction.
    clocks.advance(boot: .seconds(60))
    #expect(await look(two) { $0.expiredInstances.isEmpty })
    late.advance(boot: .seconds(60))
    #expect(await look(one) { $0.instance } != nil)
    try await one.send("b", to: "in")
    clocks.advance(boot: .seconds(16))
    #expect(await look(two) { $0.expiredInstances.isEmpty })
    #expect(inbox.revoked == 0)
    await one.shut()
    await two.shut()
  }

  @Test func aBusyBrokerDoesNotStarveAnother() async throws {
    let scratch = try Scratch()
    let (busy, other) = (try await EmbeddedBroker.open(scratch.path), try await EmbeddedBroker.open(scratch.path))
    let isOver = Counter()
    await withDiscardingTaskGroup { group in
      for lane in 0..<16 {
        group.addTask {
          while isOver.value == 0 { try? await busy.send("x", to: "busy\(lane)") }
        }
      }
      group.addTask {
        for _ in 0..<50 {
          let start = ContinuousClock.now
          try? await other.send("y", to: "other")
          #expect(ContinuousClock.now - start < .seconds(10))
        }
        isOver.set(1)
      }
    }
    #expect(try await busy.counts(of: "other") == QueueCounts(ready: 50))
    await busy.shut()
    await other.shut()
  }
}
