import MartletCore
import Testing

@testable import MartletRuntime

/// After the death of owners: events run alone, their attempts written before.
struct SuspectEventTests {
  private static let options = EventHubOptions(maxEventBatchSize: 2, prefetchCount: 4, maxOutstanding: 4)

  private func state(
    deaths: Int = 2, suspect: SuspectEvent? = nil, position: PartitionPosition? = nil, retries: Int = 2
  ) -> PartitionState {
    .sample(
      .sample(Self.options, retry: .fixedDelay(maxRetryCount: retries, delayInterval: .zero)), position: position,
      deaths: deaths, suspect: suspect)
  }

  @Test func `after one death events run as ever, and the store knows of it until they are done`() throws {
    var state = state(deaths: 1)
    state.receive(0...3)
    let first = try require(state.take())
    #expect(first.numbers == [0, 1])
    state.succeed(first)
    let commit = try require(state.commit())
    #expect(commit.deaths == 1)
    #expect(commit.suspect == nil)
    state.applied()
    state.succeed(try require(state.take()))
    #expect(state.commitAll().map(\.deaths) == [0])
  }

  @Test func `an attempt is written before the event runs, and events run alone`() throws {
    var state = state()
    state.receive(0...3)
    #expect(state.take() == nil)
    let first = try require(state.commit())
    #expect(first.suspect == SuspectEvent(offset: EventOffset(low: 1), attempt: 1))
    #expect(first.deaths == 2)
    #expect(state.take() == nil)
    state.applied()
    let work = try require(state.take())
    #expect(work.numbers == [0])
    #expect(state.take() == nil)
    state.succeed(work, outputs: [.sample("a")])
    // What ran and what runs next go in one commit.
    let second = try require(state.commit())
    #expect(second.outputs.map(\.id) == ["a"])
    #expect(second.position?.sequenceNumber == 0)
    #expect(second.suspect == SuspectEvent(offset: EventOffset(low: 2), attempt: 1))
  }

  @Test func `the trouble is over when all is done that the dead owner can have had`() throws {
    var state = state()
    state.receive(0...3)
    var commits: [PartitionCommit] = []
    for number in 0...3 {
      commits += state.commitAll()
      let work = try require(state.take())
      #expect(work.numbers == [number])
      state.succeed(work)
    }
    commits += state.commitAll()
    let last = try #require(commits.last)
    #expect(last.deaths == 0)
    #expect(last.suspect == nil)
    state.receive(4...5)
    #expect(try require(state.take()).numbers == [4, 5])
  }

  @Test func `events that came after the death are not suspected`() throws {
    var state = state()
    state.receive((0...3).map { .sample($0) }, tail: PartitionTail(sequenceNumber: 0), now: .milliseconds(0))
    state.commitAll()
    state.succeed(try require(state.take()))
    state.commitAll()
    #expect(try require(state.take()).numbers == [1, 2])
  }

  @Test func `where the reader says no end, the log does`() throws {
    var state = state()
    state.receive(0...1)
    state.limitSuspicion(to: PartitionPosition())
    state.limitSuspicion(to: .sample(1))
    for number in 0...1 {
      state.commitAll()
      let work = try require(state.take())
      #expect(work.numbers == [number])
      state.succeed(work)
    }
    #expect(state.commitAll().last?.deaths == 0)
    state.receive(2...3)
    #expect(try require(state.take()).numbers == [2, 3])
  }

  @Test func `the event that was singled out goes first, with the attempt behind the written one`() throws {
    var state = state(suspect: SuspectEvent(offset: EventOffset(low: 3), attempt: 1))
    state.receive(0...1)
    #expect(state.commit() == nil)
    state.receive(2...3)
    #expect(try require(state.commit()).suspect == SuspectEvent(offset: EventOffset(low: 3), attempt: 2))
    state.applied()
    let work = try require(state.take())
    #expect(work.numbers == [2])
    #expect(work.events[0].attempt == 2)
  }

  @Test func `an event that kills each owner is dead-lettered without another run`() throws {
    var state = state(suspect: SuspectEvent(offset: EventOffset(low: 1), attempt: 3))
    state.receive(0...1)
    let commit = try require(state.commit())
    let letter = try #require(commit.outputs.first)
    #expect(letter.id == "e0")
    #expect(letter.headers[WireField.deadLetterErrorType]?.text == "ProcessDied")
    #expect(letter.headers[WireField.deadLetterAttempts]?.text == "3")
    #expect(commit.suspect == SuspectEvent(offset: EventOffset(low: 2), attempt: 1))
  }

  @Test func `a failure of the one that runs alone counts, and it stays the suspect`() throws {
    var state = state()
    state.receive(0...1)
    state.commitAll()
    state.fail(try require(state.take()))
    #expect(try require(state.commit()).suspect == SuspectEvent(offset: EventOffset(low: 1), attempt: 2))
    state.applied()
    let again = try require(state.take())
    #expect(again.numbers == [0])
    #expect(again.events[0].attempt == 2)
  }

  @Test func `while an event waits for its next attempt, other lanes go on, and its own does not`() throws {
    let options = EventHubOptions(maxEventBatchSize: 2, prefetchCount: 8, lanes: 2, maxOutstanding: 8)
    let retry = RetryPolicy.fixedDelay(maxRetryCount: 2, delayInterval: .seconds(1))
    var state = PartitionState.sample(.sample(options, retry: retry), deaths: 2)
    state.receive(0...3, keys: 2)
    try #require(Set([0, 1].map { state.entries[$0].lane }).count == 2)
    var ran: [[Int]] = []
    for _ in 0..<3 {
      state.commitAll()
      let work = try require(state.take())
      ran.append(work.numbers)
      if work.numbers == [0] { state.fail(work) } else { state.succeed(work) }
    }
    #expect(ran == [[0], [1], [3]])
    #expect(state.commitAll().last?.position?.finishedNumbers == [1, 3])
    #expect(state.take() == nil)
    state.commitAll(at: 1000)
    let again = try require(state.take(at: 1000))
    #expect(again.numbers == [0])
    #expect(again.events[0].attempt == 2)
  }

  @Test func `an event that an owner may have died of holds all lanes until it has its outcome`() throws {
    let options = EventHubOptions(maxEventBatchSize: 2, prefetchCount: 8, lanes: 2, maxOutstanding: 8)
    let retry = RetryPolicy.fixedDelay(maxRetryCount: 2, delayInterval: .seconds(1))
    var state = PartitionState.sample(
      .sample(options, retry: retry), deaths: 2, suspect: SuspectEvent(offset: EventOffset(low: 1), attempt: 1))
    state.receive(0...3, keys: 2)
    state.commitAll()
    state.fail(try require(state.take()))
    state.commitAll()
    #expect(state.take() == nil)
    state.commitAll(at: 1000)
    let last = try require(state.take(at: 1000))
    #expect(last.numbers == [0])
    #expect(last.events[0].attempt == 3)
  }

  @Test func `the event that was singled out is read though others before it fill the reader's share`() throws {
    let options = EventHubOptions(maxEventBatchSize: 1, prefetchCount: 1, lanes: 2, maxOutstanding: 4)
    var state = PartitionState.sample(
      .sample(options), deaths: 2, suspect: SuspectEvent(offset: EventOffset(low: 3), attempt: 1))
    #expect(state.grant(now: .milliseconds(0)) == 4)
    state.receive((0...1).map { .sample($0, key: "k\($0)") }, tail: nil, now: .milliseconds(0))
    #expect(state.commit() == nil)
    state.receive([.sample(2, key: "k0")], tail: nil, now: .milliseconds(0))
    #expect(try require(state.commit()).suspect == SuspectEvent(offset: EventOffset(low: 3), attempt: 2))
  }

  @Test func `an empty partition forgets the trouble with the first events`() throws {
    var state = state(position: .sample(9))
    state.receive([], tail: PartitionTail(sequenceNumber: 9), now: .milliseconds(0))
    #expect(try require(state.commit()).deaths == 0)
    state.applied()
    #expect(state.commit() == nil)
    state.receive(10...11)
    #expect(try require(state.take()).numbers == [10, 11])
  }

  @Test func `a drain takes the attempt of an event back that has not begun to run`() throws {
    var state = state(suspect: SuspectEvent(offset: EventOffset(low: 1), attempt: 1))
    state.receive(0...1)
    #expect(try require(state.commit()).suspect == SuspectEvent(offset: EventOffset(low: 1), attempt: 2))
    state.drain()
    state.applied()
    #expect(!state.hasDrained)
    #expect(try require(state.commit()).suspect == SuspectEvent(offset: EventOffset(low: 1), attempt: 1))
    state.applied()
    #expect(state.hasDrained)
  }

  @Test(arguments: [1, 3]) func `a run of the suspect that did not begin, or was stopped, does not count`(attempt: Int)
    throws
  {
    let before = attempt > 1 ? SuspectEvent(offset: EventOffset(low: 1), attempt: attempt - 1) : nil
    var state = state(suspect: before, retries: 5)
    state.receive(0...1)
    #expect(try require(state.commit()).suspect == SuspectEvent(offset: EventOffset(low: 1), attempt: attempt))
    state.applied()
    // Its keyed state cannot be read now.
    state.release(try require(state.take()).run, retryAfter: .seconds(1), now: .milliseconds(0))
    #expect(state.commitAll().map(\.suspect) == [before])
    #expect(try require(state.commitAll(at: 1000).last).suspect?.attempt == attempt)
    let again = try require(state.take(at: 1000))
    #expect(again.events[0].attempt == attempt)
    // A drain stops it.
    state.drain()
    #expect(state.abandon() == [again.run])
    #expect(!state.hasDrained)
    #expect(try require(state.commit(at: 1000)).suspect == before)
    state.applied()
    #expect(state.hasDrained)
  }

  @Test func `an event that runs alone waits for its turn`() throws {
    var state = state()
    state.receive(0...1)
    #expect(state.runsAlone)
    #expect(state.commitToSend(now: .milliseconds(0), mayAnnounce: false).commit == nil)
    #expect(!state.isExposed)
    _ = try require(state.commit())
    #expect(state.isExposed)
    state.applied()
    let work = try require(state.take())
    #expect(state.isExposed)
    state.succeed(work)
    #expect(!state.isExposed)
  }

  private final class Waiter: Sendable {}

  @Test func `one partition has the turn`() {
    let (turn, one, two) = (SuspectTurn<Waiter>(), Waiter(), Waiter())
    #expect(turn.take(for: one))
    #expect(turn.take(for: one))
    #expect(!turn.take(for: two))
    #expect(turn.next == nil)
    turn.giveUp(two)
    #expect(!turn.take(for: two))
    turn.giveUp(one)
    #expect(turn.next === two)
    #expect(turn.take(for: two))
  }

  @Test func `whoever has had the turn stands in line behind the others`() {
    let (turn, waiters) = (SuspectTurn<Waiter>(), (0..<3).map { _ in Waiter() })
    for waiter in waiters { #expect(turn.take(for: waiter) == (waiter === waiters[0])) }
    for round in 0..<6 {
      let (holder, next) = (waiters[round % 3], waiters[(round + 1) % 3])
      turn.giveUp(holder)
      #expect(!turn.take(for: holder))
      #expect(turn.next === next)
      #expect(turn.take(for: next))
    }
    // Who leaves keeps nobody waiting.
    turn.leave(waiters[1])
    turn.leave(waiters[0])
    #expect(turn.next === waiters[2])
    turn.leave(waiters[2])
    #expect(turn.next == nil)
  }
}
