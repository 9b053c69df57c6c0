import MartletCore
import Testing

@testable import MartletRuntime

/// What is remembered of keyed state, and when it is forgotten.
struct KeyedValuesTests {
  private static func state(isSingle: Bool, lanes: Int = 1) -> PartitionState {
    .sample(.sample(EventHubOptions(maxEventBatchSize: 2, lanes: lanes), isSingle: isSingle, mostValues: 1))
  }

  @Test func `a run keeps the values of its keys while commits make room`() throws {
    var state = Self.state(isSingle: true)
    state.receive(0...1, keys: 2)
    let work = try require(state.take())
    state.values.fill(["k0", "k1"], from: ["k0": Bytes("a"), "k1": Bytes("b")])
    let verdict = EventVerdict(body: .together([]), values: ["k0": Bytes("c")])
    #expect(state.settle(work.run, count: 1, verdict, now: .milliseconds(0)).next == .proceed)
    state.commitAll()
    #expect(state.values.missing(of: ["k0", "k1"]) == ["k0"])
    #expect(state.values.values(of: ["k1"]) == ["k1": Bytes("b")])
  }

  @Test func `a batch keeps the values of its keys while the one before it is committed`() throws {
    var state = Self.state(isSingle: false)
    state.receive(0...1, keys: 4)
    let first = try require(state.take())
    state.values.fill(["k0", "k1"], from: [:])
    state.succeed(first, values: ["k0": Bytes("a"), "k1": Bytes("b")])
    state.receive(4...5, keys: 4)
    _ = try require(state.commit())
    #expect(try require(state.take()).numbers == [4, 5])
    state.applied()
    #expect(state.values.missing(of: ["k0", "k1"]).isEmpty)
  }

  @Test func `what waits to be committed is not forgotten, what was committed is`() throws {
    var state = Self.state(isSingle: false)
    state.receive(0...3, keys: 4)
    state.succeed(try require(state.take()), values: ["k0": Bytes("a"), "k1": Bytes("b")])
    _ = try require(state.commit())
    state.succeed(try require(state.take()), values: ["k2": Bytes("c"), "k3": Bytes("d")])
    state.applied()
    #expect(state.values.missing(of: ["k0", "k1", "k2", "k3"]) == ["k0", "k1"])
    state.commitAll()
    #expect(state.values.missing(of: ["k2", "k3"]) == ["k2", "k3"])
  }

  @Test func `the time that the store takes is not the function's`() throws {
    var state = PartitionState.sample(.sample(isStateful: true, timeout: .seconds(1)))
    state.receive(0...1)
    let work = try require(state.take())
    #expect(work.deadline == nil)
    #expect(state.expire(now: .milliseconds(60_000)).cancel.isEmpty)
    let (mayBegin, deadline) = state.beginNext(of: work.run, now: .milliseconds(60_000))
    #expect(mayBegin)
    #expect(deadline == .milliseconds(61_000))
    #expect(state.expire(now: .milliseconds(60_999)).cancel.isEmpty)
    #expect(state.expire(now: .milliseconds(61_000)).cancel == [work.run])
  }
}
