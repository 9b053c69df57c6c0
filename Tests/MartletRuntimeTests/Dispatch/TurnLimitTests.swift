import MartletCore
import Testing

@testable import MartletRuntime

struct TurnLimitTests {
  private static let second: UInt64 = 1_000_000_000

  @Test func `as many may wait as start within a quarter of the time`() {
    var limit = TurnLimit(settlementTimeout: .seconds(40), atOnce: 3)
    #expect(limit.held == 3, "the pace is not known")
    limit.ran(2 * Self.second)
    #expect(limit.held == 3 + 15, "five turns of two seconds in ten")
    for _ in 0..<100 { limit.ran(30 * Self.second) }
    #expect(limit.held == 3)
    for _ in 0..<200 { limit.ran(1000) }
    #expect(limit.held == 65_535)
  }

  @Test func `runs that last say more than the average`() {
    var limit = TurnLimit(settlementTimeout: .seconds(40), atOnce: 1)
    #expect(limit.waiting(behind: 0) == 65_535)
    limit.ran(Self.second)
    #expect(limit.waiting(behind: 0) == 10)
    #expect(limit.waiting(behind: 4 * Self.second) == 2)
    #expect(limit.waiting(behind: 11 * Self.second) == 0)
  }

  @Test func `what would wait for too long is given back, the newest first`() throws {
    var state = RunnerState(plan: .sample(FunctionOptions(maxConcurrentCalls: 1, prefetchCount: 10)))
    state.open(settlementTimeout: .seconds(40))
    state.add((0..<5).map { .sample($0) }, now: .milliseconds(0))
    let worker = try require(state.workerToStart(now: .milliseconds(0)))
    _ = state.take(worker, now: .milliseconds(0))
    let before = state.limitHeld(now: .milliseconds(2000))
    #expect(before == 1 && state.commitToSend(now: .milliseconds(2000), lingered: true) == nil)
    // Two of four could not start within ten seconds, if the runs take five.
    _ = state.limitHeld(now: .milliseconds(5000))
    let commit = state.commitToSend(now: .milliseconds(5000), lingered: true)
    #expect(commit?.group.settlements.map(\.text) == ["release 3", "release 4"])
    _ = state.commitEnded(PendingCommit())
    _ = state.limitHeld(now: .milliseconds(11_000))
    let rest = state.commitToSend(now: .milliseconds(11_000), lingered: true)
    #expect(rest?.group.settlements.map(\.text) == ["release 1", "release 2"])
  }

  @Test func `what waits for a batch to fill waits on`() {
    var state = RunnerState(
      plan: .batchSample(FunctionOptions(maxMessageBatchSize: 10, minMessageBatchSize: 10)))
    state.open(settlementTimeout: .seconds(1))
    state.add([.sample(1)], now: .milliseconds(0))
    _ = state.limitHeld(now: .milliseconds(5000))
    #expect(state.commitToSend(now: .milliseconds(5000), lingered: true) == nil)
  }
}
