import MartletCore
import Testing

@testable import MartletRuntime

struct SingleEventTests {
  private func success(_ id: String? = nil) -> EventVerdict {
    EventVerdict(body: .together(id.map { [.sample($0)] } ?? []))
  }

  @Test func `events of a run are settled one by one, and may be committed before it ends`() throws {
    var state = PartitionState.sample(.sample(isSingle: true))
    state.receive(0...2)
    let work = try require(state.take())
    #expect(state.settle(work.run, count: 1, success("a"), now: .milliseconds(0)).next == .proceed)
    #expect(try require(state.commit()).position?.sequenceNumber == 0)
    state.applied()
    #expect(state.beginNext(of: work.run, now: .milliseconds(0)).mayBegin)
    #expect(state.settle(work.run, count: 1, success("b"), now: .milliseconds(0)).next == .proceed)
    #expect(state.settle(work.run, count: 1, success("c"), now: .milliseconds(0)).next == .end)
    #expect(try require(state.commit()).outputs.map(\.id) == ["b", "c"])
  }

  @Test func `a failure ends the run, and what is behind waits`() throws {
    var state = PartitionState.sample(
      .sample(retry: .fixedDelay(maxRetryCount: 1, delayInterval: .seconds(1)), isSingle: true))
    state.receive(0...2)
    let work = try require(state.take())
    let (next, _) = state.settle(work.run, count: 1, EventVerdict(body: .failed(Scripted())), now: .milliseconds(0))
    #expect(next == .end)
    #expect(state.take(at: 500) == nil)
    let again = try require(state.take(at: 1000))
    #expect(again.numbers == [0])
    state.succeed(again, at: 1000)
    #expect(try require(state.take(at: 1000)).numbers == [1, 2])
  }

  @Test func `a drain ends the run behind the event that runs`() throws {
    var state = PartitionState.sample(.sample(isSingle: true))
    state.receive(0...2)
    let work = try require(state.take())
    state.drain()
    #expect(state.settle(work.run, count: 1, success(), now: .milliseconds(0)).next == .end)
    state.commitAll()
    #expect(state.position.sequenceNumber == 0)
    #expect(state.hasDrained)
  }
}
