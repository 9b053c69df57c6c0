import MartletCore
import Testing

@testable import MartletRuntime

struct CheckpointTests {
  @Test(arguments: [(1, 100), (4, 25), (8, 12), (32, 3), (128, 0)])
  func `a hundred batches give as many checkpoints as Azure writes`(frequency: Int, expected: Int) throws {
    var state = PartitionState.sample(.sample(EventHubOptions(batchCheckpointFrequency: frequency)))
    var commits = 0
    var next = 0
    for _ in 0..<100 {
      state.receive(next...(next + 99))
      next += 100
      let work = try require(state.take())
      #expect(work.events.count == 100)
      state.succeed(work)
      commits += state.commitAll().count
    }
    #expect(commits == expected)
    state.drain()
    let last = state.commitAll()
    #expect(last.count == (100 % frequency == 0 ? 0 : 1))
    #expect(state.position.sequenceNumber == 9999)
  }

  @Test func `a checkpoint is one batch even where commits are slow`() throws {
    var state = PartitionState.sample(.sample(EventHubOptions(maxEventBatchSize: 2)))
    state.receive(0...5)
    for _ in 0..<3 { state.succeed(try require(state.take())) }
    #expect(try state.commitAll().map { try #require($0.position).sequenceNumber } == [1, 3, 5])
  }

  @Test func `outputs and values of held batches leave in one commit, in order`() throws {
    var state = PartitionState.sample(
      .sample(EventHubOptions(maxEventBatchSize: 1, batchCheckpointFrequency: 2)))
    state.receive(0...1)
    state.succeed(try require(state.take()), outputs: [.sample("a")], values: ["k": Bytes("1")])
    #expect(state.commit() == nil)
    state.succeed(try require(state.take()), outputs: [.sample("b")], values: ["k": Bytes("2"), "l": Bytes?.none])
    let commit = try require(state.commit())
    #expect(commit.outputs.map(\.id) == ["a", "b"])
    #expect(commit.values == ["k": Bytes("2"), "l": Bytes?.none])
  }

  @Test func `outputs are not held longer than a batch waits`() throws {
    var state = PartitionState.sample(
      .sample(EventHubOptions(maxEventBatchSize: 1, maxWaitTime: .seconds(1), batchCheckpointFrequency: 8)))
    state.receive(0...0)
    state.succeed(try require(state.take()), outputs: [.sample("a")])
    #expect(state.commit(at: 999) == nil)
    #expect(try require(state.commit(at: 1000)).outputs.count == 1)
  }

  @Test func `held batches never keep a partition from going on`() throws {
    // Lanes make small batches: the room is used up before so many have ended.
    let options = EventHubOptions(
      maxEventBatchSize: 2, batchCheckpointFrequency: 100, prefetchCount: 2, lanes: 2, maxOutstanding: 2)
    let plan = HubPlan.sample(options)
    var state = PartitionState.sample(plan)
    var next = 0
    for _ in 0..<plan.capacity {
      guard state.grant(now: .milliseconds(0)) > 0 else { break }
      state.receive([.sample(next)], tail: nil, now: .milliseconds(0))
      next += 1
      if let work = state.take() { state.succeed(work) }
    }
    #expect(state.commit() != nil)
  }

  @Test func `a commit holds so many outputs and no more`() throws {
    var state = PartitionState.sample(
      .sample(EventHubOptions(maxEventBatchSize: 1, batchCheckpointFrequency: 100)))
    state.receive(0...2)
    let many = (0..<1500).map { OutgoingMessage.sample("o\($0)") }
    for _ in 0..<3 { state.succeed(try require(state.take()), outputs: many) }
    state.drain()
    #expect(state.commitAll().map(\.outputs.count) == [1500, 1500, 1500])
  }
}
