import Foundation
import MartletCore
import Testing

@testable import MartletRuntime

struct PartitionStateTests {
  @Test func `events run in order, one batch at a time`() throws {
    var state = PartitionState.sample(.sample(EventHubOptions(maxEventBatchSize: 3)))
    state.receive(0...4)
    let first = try require(state.take())
    #expect(first.numbers == [0, 1, 2])
    #expect(state.take() == nil)
    state.succeed(first)
    #expect(try require(state.take()).numbers == [3, 4])
  }

  @Test func `the checkpoint is the last event without a gap before it`() throws {
    var state = PartitionState.sample(.sample(EventHubOptions(maxEventBatchSize: 1, lanes: 2)))
    state.receive(0...3, keys: 2)
    var works: [PartitionWork] = []
    while let work = state.take() { works.append(work) }
    #expect(works.count == 2)
    let (early, late) = works[0].numbers == [0] ? (works[0], works[1]) : (works[1], works[0])
    state.succeed(late)
    let commit = try require(state.commit())
    #expect(commit.position?.checkpoint == nil)
    #expect(commit.position?.finishedNumbers == [1])
    state.applied()
    state.succeed(early)
    #expect(try require(state.commit()).position == .sample(1))
  }

  @Test func `what another owner finished above the checkpoint is not run again`() throws {
    var state = PartitionState.sample(position: .sample(2, finished: [4, 6]))
    state.receive(3...7)
    let work = try require(state.take())
    #expect(work.numbers == [3, 5, 7])
    state.succeed(work)
    #expect(try require(state.commit()).position == .sample(7))
  }

  @Test func `what another owner finished stays finished before it is read again`() throws {
    var state = PartitionState.sample(
      .sample(EventHubOptions(maxEventBatchSize: 1)), position: .sample(2, finished: [6]))
    state.receive(3...4)
    state.succeed(try require(state.take()))
    let position = try require(state.commit()?.position)
    #expect(position.sequenceNumber == 3)
    #expect(position.finishedNumbers == [6])
  }

  @Test func `a checkpoint passes what another owner finished, though nothing is left to run`() throws {
    var state = PartitionState.sample(position: .sample(2, finished: [3]))
    state.receive(3...3)
    #expect(state.take() == nil)
    #expect(try require(state.commit()).position == .sample(3))
    state.applied()
    #expect(state.commit() == nil)
  }

  @Test func `events that are read twice run once`() throws {
    var state = PartitionState.sample()
    state.receive(0...2)
    state.receive(1...4)
    #expect(try require(state.take()).numbers == [0, 1, 2, 3, 4])
  }

  @Test func `one commit with outputs is under way at a time, and its number follows the one before`() throws {
    var state = PartitionState.sample(.sample(EventHubOptions(maxEventBatchSize: 1)))
    state.receive(0...1)
    state.succeed(try require(state.take()), outputs: [.sample("a")])
    #expect(try require(state.commit()).number == 1)
    state.succeed(try require(state.take()), outputs: [.sample("b")])
    #expect(state.commit() == nil)
    state.applied()
    let second = try require(state.commit())
    #expect(second.number == 2)
    #expect(second.epoch == 7)
  }

  @Test func `a reader is granted what fits, and no more`() {
    let plan = HubPlan.sample(EventHubOptions(maxEventBatchSize: 10, prefetchCount: 20, maxOutstanding: 30))
    var state = PartitionState.sample(plan)
    #expect(state.grant(now: .milliseconds(0)) == 20)
    #expect(state.grant(now: .milliseconds(0)) == 0)
    state.receive((0...19).map { .sample($0) }, tail: nil, now: .milliseconds(0))
    #expect(state.grant(now: .milliseconds(0)) == 0)
    _ = state.take()
    #expect(state.grant(now: .milliseconds(0)) == 10)
    state.receive((20...29).map { .sample($0) }, tail: nil, now: .milliseconds(0))
    #expect(state.grant(now: .milliseconds(0)) == 0)
  }

  @Test func `while a whole batch waits, room is saved up for a larger grant`() throws {
    var state = PartitionState.sample(.sample(EventHubOptions(maxEventBatchSize: 10, prefetchCount: 30)))
    state.receive(0...29)
    for granted in [0, 20, 10] {
      state.succeed(try require(state.take()))
      state.commitAll()
      #expect(state.grant(now: .milliseconds(0)) == granted)
    }
  }

  @Test func `a quick function's prefetch grows with its pace, but not what may be above the checkpoint`() throws {
    var state = PartitionState.sample(.sample(EventHubOptions(maxEventBatchSize: 100)))
    _ = state.grant(now: .milliseconds(0))
    var next = 0
    for time in stride(from: 10.0, through: 260, by: 10) {
      state.receive(next...next + 99, at: time)
      next += 100
      state.succeed(try require(state.take(at: time)))
      state.commitAll()
      _ = state.grant(now: .milliseconds(time))
    }
    state.receive(next...next + 999, at: 270)
    // Four batches run and wait to be committed; the others wait, although they are there, also when the pace is lost
    // because the store does not answer.
    for _ in 0..<4 { state.succeed(try require(state.take(at: 270))) }
    #expect(state.take(at: 270) == nil)
    for time in [300.0, 600, 900] { _ = state.grant(now: .milliseconds(time)) }
    #expect(state.take(at: 900) == nil)
    #expect(!state.hasWork(now: .milliseconds(270)))
    state.commitAll()
    #expect(state.take(at: 270) != nil)
  }

  @Test(arguments: [
    EventHubOptions(prefetchCount: 300), EventHubOptions(lanes: 2), EventHubOptions(maxOutstanding: 400),
    EventHubOptions(batchCheckpointFrequency: 2),
  ])
  func `a prefetch does not grow where it is given, or where it could run ahead`(options: EventHubOptions) {
    let plan = HubPlan.sample(options)
    #expect(plan.mostPrefetch == plan.prefetch)
  }

  @Test func `in lanes room is not saved up, because what waits may be of none that can run`() throws {
    let options = EventHubOptions(
      maxEventBatchSize: 10, minEventBatchSize: 5, maxWaitTime: .seconds(60), prefetchCount: 30, lanes: 16)
    var state = PartitionState.sample(.sample(options))
    state.receive((0...29).map { .sample($0, key: "k\($0)") }, tail: nil, now: .milliseconds(0))
    let work = try require(state.take())
    #expect(work.events.count < 10)
    #expect(state.grant(now: .milliseconds(0)) > 0)
  }

  @Test func `a batch waits for its least size, but not for ever`() throws {
    let options = EventHubOptions(maxEventBatchSize: 10, minEventBatchSize: 3, maxWaitTime: .seconds(1))
    var state = PartitionState.sample(.sample(options))
    state.receive(0...0)
    // The first batch of a partition without a checkpoint does not wait.
    state.succeed(try require(state.take()))
    state.receive(1...2, at: 100)
    #expect(state.take(at: 1000) == nil)
    #expect(try require(state.take(at: 1100)).numbers == [1, 2])
  }

  @Test func `lanes that all wait for more do not when there is no room for more`() throws {
    let options = EventHubOptions(
      maxEventBatchSize: 8, minEventBatchSize: 8, maxWaitTime: .seconds(60), prefetchCount: 8, lanes: 4)
    var state = PartitionState.sample(.sample(options))
    state.receive(0...0)
    state.succeed(try require(state.take()))
    state.receive(1...7, keys: 8)
    #expect(state.take() == nil)
    state.receive(8...8, keys: 8)
    #expect(try require(state.take()).events.count > 1)
  }

  @Test func `a batch of its least size does not wait`() throws {
    let options = EventHubOptions(maxEventBatchSize: 10, minEventBatchSize: 3, maxWaitTime: .seconds(1))
    var state = PartitionState.sample(.sample(options))
    state.receive(0...0)
    state.succeed(try require(state.take()))
    state.receive(1...3)
    #expect(try require(state.take()).numbers == [1, 2, 3])
  }

  @Test func `a key is always in the same lane, and lanes run side by side`() throws {
    var state = PartitionState.sample(.sample(EventHubOptions(maxEventBatchSize: 4, lanes: 8)))
    state.receive(0...31, keys: 16)
    var works: [PartitionWork] = []
    while let work = state.take() { works.append(work) }
    #expect(works.count > 1)
    let keys = works.map { Set($0.events.compactMap(\.key)) }
    for (index, own) in keys.enumerated() {
      for other in keys[..<index] { #expect(own.isDisjoint(with: other)) }
    }
  }

  @Test func `a drain begins nothing and commits what ran`() throws {
    var state = PartitionState.sample(
      .sample(EventHubOptions(maxEventBatchSize: 1, batchCheckpointFrequency: 8)))
    state.receive(0...3)
    state.succeed(try require(state.take()))
    let running = try require(state.take())
    state.drain()
    #expect(state.take() == nil)
    #expect(!state.hasDrained)
    state.succeed(running)
    #expect(try require(state.commit()).position == .sample(1))
    #expect(!state.hasDrained)
    state.applied()
    #expect(state.hasDrained)
  }

  @Test func `nothing of a lost partition is committed`() throws {
    var state = PartitionState.sample(.sample(EventHubOptions(maxEventBatchSize: 1)))
    state.receive(0...3)
    state.succeed(try require(state.take()))
    let running = try require(state.take())
    state.lose()
    state.succeed(running)
    #expect(state.commit() == nil)
    #expect(state.hasDrained)
  }

  @Test func `a group that begins at the end writes where that was`() throws {
    var state = PartitionState.sample(.sample(EventHubOptions(initialOffset: .fromEnd)))
    #expect(try require(state.commit()).position == PartitionPosition())
    state.applied()
    #expect(state.commit() == nil)
  }

  @Test func `an invocation is told how far behind it is`() throws {
    var state = PartitionState.sample(.sample(EventHubOptions(maxEventBatchSize: 2)))
    let end = PartitionTail(sequenceNumber: 10, offset: EventOffset(low: 11), enqueuedAt: .distantPast)
    state.receive((0...3).map { .sample($0) }, tail: end, now: .milliseconds(0))
    let work = try require(state.take())
    let context = state.context(through: work.events[1])
    #expect(context.lag == 9)
    #expect(context.lastEnqueuedSequenceNumber == 10)
    #expect(context.lastEnqueuedOffset == end.offset)
    #expect(context.lastEnqueuedAt == .distantPast)
    #expect(context.epoch == 7)
    #expect(context.group == "app")
  }

  @Test func `the first batch waits for what is left of the time since the checkpoint`() {
    let now = Date(timeIntervalSince1970: 1_000_000)
    func wait(_ age: TimeInterval?) -> Duration {
      var position = PartitionPosition.sample(0)
      position.enqueuedAt = age.map { now.addingTimeInterval(-$0) }
      return .nanoseconds(Int64(OwnedPartition.firstWait(.seconds(60), position, now: now)))
    }
    #expect(OwnedPartition.firstWait(.seconds(60), nil, now: now) == 0, "nothing was ever committed")
    #expect(wait(20) == .seconds(40))
    #expect(wait(60) == .zero)
    #expect(wait(3600) == .zero)
    #expect(wait(nil) == .seconds(60), "nobody knows how old it is")
    #expect(wait(-5) == .seconds(60), "the clock that gave it was ahead")
  }

  @Test func `the wait of the first batch is its own, and full batches do not wait`() throws {
    let options = EventHubOptions(maxEventBatchSize: 8, minEventBatchSize: 4, maxWaitTime: .seconds(10))
    var state = PartitionState.sample(.sample(options), position: .sample(0), firstWait: .seconds(3))
    state.receive(1...2, at: 1000)
    #expect(state.take(at: 3999) == nil)
    state.succeed(try require(state.take(at: 4000)), at: 4000)
    state.commitAll(at: 4000)
    state.receive(3...4, at: 5000)
    #expect(state.take(at: 14_999) == nil)
    state.succeed(try require(state.take(at: 15_000)), at: 15_000)
    var full = PartitionState.sample(.sample(options), position: .sample(0), firstWait: .seconds(3))
    full.receive(1...4, at: 1000)
    #expect(full.take(at: 1000)?.numbers == [1, 2, 3, 4])
  }

  @Test func `the end of the partition is not before what was read of it`() throws {
    var state = PartitionState.sample(.sample(EventHubOptions(maxEventBatchSize: 4)))
    state.receive((0...1).map { .sample($0) }, tail: PartitionTail(sequenceNumber: 1), now: .milliseconds(0))
    state.receive((2...3).map { .sample($0) }, tail: nil, now: .milliseconds(0))
    let work = try require(state.take())
    let context = state.context(through: work.events[3])
    #expect(context.lag == 0)
    #expect(context.lastEnqueuedSequenceNumber == 3)
    #expect(context.lastEnqueuedOffset == work.events[3].offset)
  }

  @Test func `commits that only move the position do not wait for each other, others do`() throws {
    var state = PartitionState.sample(.sample(EventHubOptions(maxEventBatchSize: 1)))
    state.receive(0...7)
    for _ in 0..<5 { state.succeed(try require(state.take())) }
    var commits: [PartitionCommit] = []
    while let commit = state.commit() { commits.append(commit) }
    #expect(commits.map(\.number) == [1, 2, 3, 4], "no more are under way")
    #expect(commits.map(\.position?.sequenceNumber) == [0, 1, 2, 3])
    #expect(state.applied() == 1)
    #expect(state.position.sequenceNumber == 0)
    #expect(try require(state.commit()).number == 5)
    state.succeed(try require(state.take()), outputs: [.sample("a")])
    for number in [2, 3, 5] as [UInt64] {
      #expect(state.commit() == nil, "it has something that could be refused")
      state.applied(through: number)
    }
    #expect(state.applied(through: 4) == 0, "an answer that was overtaken")
    let commit = try require(state.commit())
    #expect(commit.number == 6 && commit.outputs.map(\.id) == ["a"])
    state.succeed(try require(state.take()))
    #expect(state.commit() == nil, "nothing follows it before its answer")
    state.drain()
    state.applied()
    #expect(try require(state.commit()).number == 7)
    #expect(!state.hasDrained)
    state.applied()
    #expect(state.hasDrained)
  }
}
