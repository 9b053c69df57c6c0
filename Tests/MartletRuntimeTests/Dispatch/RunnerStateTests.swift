import Foundation
import MartletCore
import Testing

@testable import MartletRuntime

struct RunnerStateTests {
  private static func state(
    _ count: Int = 0, maxConcurrentCalls: Int = 4, isOpen: Bool = true
  ) -> RunnerState {
    var state = RunnerState(plan: .sample(FunctionOptions(maxConcurrentCalls: maxConcurrentCalls)))
    if isOpen { state.open() }
    state.add((0..<count).map { .sample(UInt64($0)) }, now: .milliseconds(0))
    return state
  }

  private static func numbers(_ run: RunnerState.Run?) -> [UInt64]? { run?.work.deliveries.map(\.number) }

  /// Makes the function look slow, so that workers spread.
  private static func slow(_ state: inout RunnerState, _ worker: Int) {
    for number in 0..<20 {
      let start = MonotonicTime.milliseconds(Double(number))
      state.add([.sample(1000 + UInt64(number))], now: start)
      _ = state.take(worker, now: start)
      _ = state.end(worker, now: .milliseconds(Double(number) + 0.9))
    }
  }

  // MARK: Workers

  @Test func `nothing runs and nothing leaves before the consumer is open`() {
    var state = Self.state(1, isOpen: false)
    #expect(state.workerToStart(now: .milliseconds(1)) == nil)
    state.drain()
    #expect(state.commitToSend(now: .milliseconds(1), lingered: true) == nil)
    #expect(!state.isIdle)
    state.open()
    #expect(state.commitToSend(now: .milliseconds(1), lingered: true)?.group.settlements.map(\.text) == ["release 0"])
  }

  @Test func `a worker takes one after another in order and ends when nothing is left`() throws {
    var state = Self.state(2)
    let worker = try require(state.workerToStart(now: .milliseconds(0)))
    #expect(state.workerToStart(now: .milliseconds(0)) == nil)
    #expect(Self.numbers(state.take(worker, now: .milliseconds(0))) == [0])
    #expect(state.end(worker, now: .milliseconds(1)) == .inTime)
    #expect(Self.numbers(state.take(worker, now: .milliseconds(1))) == [1])
    #expect(state.end(worker, now: .milliseconds(2)) == .inTime)
    #expect(state.take(worker, now: .milliseconds(2)) == nil)
    #expect(state.workerToStart(now: .milliseconds(2)) == nil)
    #expect(state.isIdle)
  }

  @Test func `invocations are numbered`() throws {
    var state = Self.state(3)
    let worker = try require(state.workerToStart(now: .milliseconds(0)))
    var numbers: [UInt64] = []
    while let run = state.take(worker, now: .milliseconds(0)) {
      numbers.append(run.number)
      _ = state.end(worker, now: .milliseconds(0))
    }
    #expect(numbers == [1, 2, 3])
  }

  @Test func `a quick function stays on one worker`() throws {
    var state = Self.state(10)
    let worker = try require(state.workerToStart(now: .milliseconds(0)))
    for number in 0..<5 {
      _ = state.take(worker, now: .milliseconds(Double(number)))
      #expect(state.workerToStart(now: .milliseconds(Double(number))) == nil)
      _ = state.end(worker, now: .milliseconds(Double(number) + 0.001))
    }
  }

  @Test func `a slow function spreads to the limit, one worker at a time`() throws {
    var state = Self.state(0, maxConcurrentCalls: 3)
    state.add([.sample(0)], now: .milliseconds(0))
    let first = try require(state.workerToStart(now: .milliseconds(0)))
    Self.slow(&state, first)
    state.add((0..<9).map { .sample($0) }, now: .milliseconds(30))
    _ = state.take(first, now: .milliseconds(30))
    let second = try require(state.workerToStart(now: .milliseconds(30)))
    #expect(state.workerToStart(now: .milliseconds(30)) == nil, "the second has not looked for work yet")
    _ = state.take(second, now: .milliseconds(30))
    let third = try require(state.workerToStart(now: .milliseconds(30)))
    _ = state.take(third, now: .milliseconds(30))
    #expect(state.workerToStart(now: .milliseconds(30)) == nil, "three is the limit")
    #expect(Set([first, second, third]).count == 3)
  }

  @Test func `the clock notices that a quick function has become slow`() throws {
    var state = Self.state(5)
    let worker = try require(state.workerToStart(now: .milliseconds(0)))
    _ = state.take(worker, now: .milliseconds(0))
    state.noticeSlowRuns(now: .milliseconds(0.5))
    #expect(state.workerToStart(now: .milliseconds(0.5)) == nil)
    state.noticeSlowRuns(now: .milliseconds(1.5))
    #expect(state.workerToStart(now: .milliseconds(1.5)) != nil)
  }

  // MARK: Commits

  @Test func `an outcome leaves at once when nothing else waits`() {
    var state = Self.state()
    state.settle(.sample(1), .complete(Receipt(generation: 1, low: 1)), outputs: [.sample("a")])
    let commit = state.commitToSend(now: .milliseconds(0))
    #expect(commit?.group.settlements.map(\.text) == ["complete 1"])
    #expect(commit?.group.outputs.map(\.id) == ["a"])
    #expect(commit?.deliveries(ofEntry: 0).map(\.number) == [1])
    #expect(!state.isIdle)
    _ = state.commitEnded(PendingCommit())
    #expect(state.isIdle)
  }

  @Test func `while work waits, outcomes gather until a millisecond has passed or enough are there`() {
    var state = Self.state(1)
    func settle(_ count: Int) {
      for number in 0..<count {
        state.settle(.sample(UInt64(number)), .complete(Receipt(generation: 1, low: UInt64(number))), outputs: [])
      }
    }
    settle(1)
    #expect(state.commitToSend(now: .milliseconds(0.5)) == nil)
    #expect(state.commitToSend(now: .milliseconds(1.5)) != nil)
    _ = state.commitEnded(PendingCommit())
    let few = RunnerState.goodGroup - 1
    settle(few)
    #expect(state.commitToSend(now: .milliseconds(1.6)) == nil)
    #expect(state.commitToSend(now: .milliseconds(1.6), lingered: true)?.group.entries.count == few)
    settle(few)
    #expect(state.commitToSend(now: .milliseconds(9)) == nil, "one is under way: the group may grow")
    settle(1)
    #expect(state.commitToSend(now: .milliseconds(9))?.group.entries.count == few + 1)
  }

  @Test func `at most eight commits are under way`() {
    var state = Self.state()
    var sent = 0
    for number in 0..<14 {
      for other in 0..<200 {
        let id = UInt64(number * 200 + other)
        state.settle(.sample(id), .complete(Receipt(generation: 1, low: id)), outputs: [])
      }
      if state.commitToSend(now: .milliseconds(Double(number))) != nil { sent += 1 }
    }
    #expect(sent == 8)
    // What has gathered meanwhile leaves in groups that are no larger than a group may be.
    _ = state.commitEnded(PendingCommit())
    #expect(state.commitToSend(now: .milliseconds(20))?.group.entries.count == CommitGroup.maxCount)
    #expect(state.commitToSend(now: .milliseconds(20)) == nil)
    _ = state.commitEnded(PendingCommit())
    #expect(state.commitToSend(now: .milliseconds(20))?.group.entries.count == CommitGroup.maxCount)
    _ = state.commitEnded(PendingCommit())
    #expect(state.commitToSend(now: .milliseconds(20))?.group.entries.count == 1200 - 2 * CommitGroup.maxCount)
    #expect(state.finished == 2800)
  }

  @Test func `full groups leave in order and lose what was revoked`() {
    var state = Self.state()
    for number in 0..<1300 {
      let generation: UInt32 = number < 600 ? 1 : 2
      state.settle(
        .sample(UInt64(number), generation: generation),
        .complete(Receipt(generation: generation, low: UInt64(number))), outputs: [])
    }
    state.revoke(generationsBefore: 2, now: .milliseconds(1))
    var left: [Int] = []
    while let commit = state.commitToSend(now: .milliseconds(1)) { left.append(commit.group.settlements.count) }
    #expect(left == [400, 300])
    #expect(!state.isIdle)
  }

  @Test func `a small group does not wait for ever for one that hangs`() {
    var state = Self.state()
    state.settle(.sample(1), .complete(Receipt(generation: 1, low: 1)), outputs: [])
    #expect(state.commitToSend(now: .milliseconds(1)) != nil)
    state.settle(.sample(2), .complete(Receipt(generation: 1, low: 2)), outputs: [])
    #expect(state.commitToSend(now: .milliseconds(100), lingered: true) == nil)
    #expect(state.commitToSend(now: .milliseconds(102), lingered: true) != nil)
  }

  @Test func `a commit that is large enough leaves alone`() {
    var state = Self.state(1)
    let body = Bytes(repeatElement(UInt8(0), count: CommitGroup.maxBytes))
    state.settle(
      .sample(1), .complete(Receipt(generation: 1, low: 1)),
      outputs: [OutgoingMessage(to: .queue("out"), body: body, id: "a")])
    #expect(state.commitToSend(now: .milliseconds(0.1)) != nil)
  }

  // MARK: Generations

  @Test func `what was revoked neither runs nor settles`() throws {
    var state = Self.state(2)
    let worker = try require(state.workerToStart(now: .milliseconds(0)))
    let run = try require(state.take(worker, now: .milliseconds(0)))
    state.settle(.sample(9), .complete(Receipt(generation: 1, low: 9)), outputs: [])
    state.revoke(generationsBefore: 2, now: .milliseconds(1))
    #expect(state.end(worker, now: .milliseconds(1)) == .inTime)
    state.settle(run.work.deliveries[0], .complete(run.work.deliveries[0].receipt), outputs: [.sample("a")])
    #expect(state.take(worker, now: .milliseconds(1)) == nil)
    #expect(state.commitToSend(now: .milliseconds(9), lingered: true) == nil)
    #expect(state.isIdle)
    state.add([.sample(3, generation: 1), .sample(4, generation: 2)], now: .milliseconds(10))
    let next = try require(state.workerToStart(now: .milliseconds(10)))
    #expect(Self.numbers(state.take(next, now: .milliseconds(10))) == [4])
  }

  @Test func `an older revocation changes nothing`() {
    var state = Self.state()
    state.revoke(generationsBefore: 5, now: .milliseconds(1))
    state.revoke(generationsBefore: 3, now: .milliseconds(1))
    state.add([.sample(1, generation: 4)], now: .milliseconds(0))
    #expect(state.isIdle)
  }

  @Test func `a batch that lost a part is not completed: the rest goes back`() {
    var state = Self.state()
    state.complete([.sample(1, generation: 1), .sample(2, generation: 2)], outputs: [.sample("a")])
    state.revoke(generationsBefore: 2, now: .milliseconds(1))
    let commit = state.commitToSend(now: .milliseconds(9))
    #expect(commit?.group.settlements.map(\.text) == ["release 2"])
    #expect(commit?.group.outputs.isEmpty == true)
    _ = state.commitEnded(PendingCommit())
    state.complete([.sample(3, generation: 1), .sample(4, generation: 2)], outputs: [.sample("a")])
    let next = state.commitToSend(now: .milliseconds(99))
    #expect(next?.group.settlements.map(\.text) == ["release 4"])
    #expect(next?.group.outputs.isEmpty == true)
  }

  // MARK: Drain

  @Test func `a drain gives back what waits and what still arrives, and lets runs finish`() throws {
    var state = Self.state(3)
    let worker = try require(state.workerToStart(now: .milliseconds(0)))
    let run = try require(state.take(worker, now: .milliseconds(0)))
    state.drain()
    state.add([.sample(7)], now: .milliseconds(1))
    #expect(state.workerToStart(now: .milliseconds(1)) == nil)
    #expect(state.end(worker, now: .milliseconds(2)) == .inTime)
    state.settle(run.work.deliveries[0], .complete(run.work.deliveries[0].receipt), outputs: [])
    #expect(state.take(worker, now: .milliseconds(2)) == nil)
    #expect(
      state.commitToSend(now: .milliseconds(2))?.group.settlements.map(\.text)
        == ["release 1", "release 2", "release 7", "complete 0"])
    #expect(!state.isIdle)
    _ = state.commitEnded(PendingCommit())
    #expect(state.isIdle)
  }

  @Test func `what is abandoned goes back, and its late end counts for nothing`() throws {
    var state = Self.state(1)
    let worker = try require(state.workerToStart(now: .milliseconds(0)))
    _ = state.take(worker, now: .milliseconds(0))
    state.drain()
    _ = state.cancelAll()
    #expect(state.isCancelling)
    state.abandon()
    #expect(state.commitToSend(now: .milliseconds(2))?.group.settlements.map(\.text) == ["release 0"])
    _ = state.commitEnded(PendingCommit())
    #expect(state.isIdle)
    #expect(state.lost == 1)
    #expect(state.end(worker, now: .milliseconds(3)) == .lost)
    #expect(state.lost == 0)
    #expect(state.isIdle)
  }

  // MARK: Repeats

  private static func deduplicating() -> RunnerState {
    var state = RunnerState(plan: .sample(FunctionOptions(deduplicate: .seconds(60))))
    state.open()
    var copies: [Delivery] = [.sample(1), .sample(2), .sample(3)]
    copies[1].message.id = "m1"
    state.add(copies, now: .milliseconds(0))
    return state
  }

  @Test func `ids of what came to its end go with the commit, those of what comes back do not`() throws {
    var state = Self.deduplicating()
    let reason = DeadLetterReason(
      code: .rejected, function: nil, errorType: nil, errorText: "", attempts: 1, source: .queue("q"),
      time: .init(timeIntervalSince1970: 0), traceID: nil)
    let deliveries = (10...14).map { DeliveryReference.sample($0) }
    state.settle(deliveries[0], .complete(deliveries[0].receipt), outputs: [])
    state.settle(deliveries[1], .deadLetter(deliveries[1].value, reason), outputs: [])
    state.settle(deliveries[2], .retry(deliveries[2].value, after: .zero), outputs: [])
    state.settle(deliveries[3], .release(deliveries[3].value), outputs: [])
    state.settle(deliveries[4], .complete(deliveries[4].receipt), outputs: [], isRepeat: true)
    state.complete([.sample(15), .sample(16)], outputs: [])
    let commit = try require(state.commitToSend(now: .milliseconds(1), lingered: true))
    #expect(commit.group.deduplication?.ids == ["m10", "m11", "", "", "", "m15", "m16"])
    #expect(commit.group.deduplication?.window == .seconds(60))
    // And with what is left of it when a channel ends.
    var rest = commit
    rest.removeAll { $0.number == 15 }
    #expect(rest.group.deduplication?.ids == ["m10", "m11", "", "", "", ""])
    #expect(rest.group.entry(at: 1).deduplication?.ids == ["m11"])
  }

  @Test func `another message of an id waits until the first has its outcome`() throws {
    var state = Self.deduplicating()
    let worker = try require(state.workerToStart(now: .milliseconds(0)))
    let first = try require(state.take(worker, now: .milliseconds(0)))
    #expect(first.work.deliveries.map(\.number) == [1])
    #expect(first.deadline == nil)
    _ = state.end(worker, now: .milliseconds(1))
    state.settle(.sample(1), .complete(.init(generation: 1, low: 1)), outputs: [])
    #expect(Self.numbers(state.take(worker, now: .milliseconds(1))) == [3])
    _ = state.end(worker, now: .milliseconds(2))
    #expect(state.take(worker, now: .milliseconds(2)) == nil)
    let commit = try require(state.commitToSend(now: .milliseconds(2), lingered: true))
    // Refused, it has no outcome yet.
    state.follow(commit, except: [0: .repeated("m1", in: "q")], now: .milliseconds(3))
    #expect(state.workerToStart(now: .milliseconds(3)) == nil)
    state.takeBack(commit.deliveries(ofEntry: 0), now: .milliseconds(3))
    let second = try require(state.workerToStart(now: .milliseconds(3)))
    #expect(Self.numbers(state.take(second, now: .milliseconds(3))) == [1])
    _ = state.end(second, now: .milliseconds(4))
    state.follow(commit, except: [:], now: .milliseconds(4))
    #expect(Self.numbers(state.take(second, now: .milliseconds(4))) == [2])
  }

  @Test func `the time of a run begins when it is no repeat`() throws {
    var state = RunnerState(
      plan: .sample(FunctionOptions(functionTimeout: .milliseconds(100), deduplicate: .seconds(60))))
    state.open()
    state.add([.sample(1)], now: .milliseconds(0))
    let worker = try require(state.workerToStart(now: .milliseconds(0)))
    var run = try require(state.take(worker, now: .milliseconds(0)))
    #expect(state.expire(now: .milliseconds(5000)).cancel.isEmpty)
    #expect(state.begin(worker, &run, now: .milliseconds(5000)))
    #expect(run.deadline == .milliseconds(5100))
    _ = state.expire(now: .milliseconds(5099))
    #expect(state.end(worker, now: .milliseconds(5099)) == .inTime)
  }

  @Test func `a drain gives back what was kept back`() throws {
    var state = Self.deduplicating()
    state.drain()
    let commit = try require(state.commitToSend(now: .milliseconds(1), lingered: true))
    #expect(commit.group.settlements.map(\.text) == ["release 1", "release 3", "release 2"])
    #expect(commit.group.deduplication?.isEmpty == true)
  }
}
