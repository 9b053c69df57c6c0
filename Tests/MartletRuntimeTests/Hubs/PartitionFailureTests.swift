import MartletCore
import Testing

@testable import MartletRuntime

struct PartitionFailureTests {
  private static let quick = RetryPolicy.fixedDelay(maxRetryCount: 2, delayInterval: .seconds(1))

  @Test func `a failed event parks its lane, and runs again in its place`() throws {
    var state = PartitionState.sample(.sample(EventHubOptions(maxEventBatchSize: 1), retry: Self.quick))
    state.receive(0...1)
    state.fail(try require(state.take()))
    #expect(state.take(at: 999) == nil)
    let again = try require(state.take(at: 1000))
    #expect(again.numbers == [0])
    #expect(again.events[0].attempt == 2)
    #expect(state.commit(at: 1000) == nil)
  }

  @Test func `other lanes go on while one is parked`() throws {
    var state = PartitionState.sample(.sample(EventHubOptions(maxEventBatchSize: 1, lanes: 2), retry: Self.quick))
    state.receive(0...3, keys: 2)
    let first = try require(state.take())
    let parked = Set(first.events.compactMap(\.key))
    state.fail(first)
    let other = try require(state.take())
    #expect(parked.isDisjoint(with: other.events.compactMap(\.key)))
    state.succeed(other)
    #expect(try require(state.take()).events[0].key == other.events[0].key)
    #expect(state.take() == nil)
  }

  @Test func `after the last attempt an event goes to the dead letters of its group`() throws {
    var state = PartitionState.sample(.sample(EventHubOptions(maxEventBatchSize: 1), retry: Self.quick))
    state.receive(4...5)
    for time in [0.0, 1000, 2000] { state.fail(try require(state.take(at: time)), at: time) }
    let commit = try require(state.commit(at: 2000))
    let letter = try #require(commit.outputs.first)
    #expect(letter.address == .deadLetters(of: "readings/app"))
    #expect(letter.id == "e4")
    #expect(letter.key == "k0")
    let reason = try #require(DeadLetterReason(headers: letter.headers, source: .hub("readings/app")))
    #expect(reason.code == .attemptsExhausted)
    #expect(reason.attempts == 3)
    #expect(reason.partition == 0)
    #expect(reason.offset == EventOffset(low: 5))
    #expect(reason.function == "detect")
    #expect(commit.position?.sequenceNumber == 4)
  }

  @Test func `skip leaves an event out`() throws {
    var state = PartitionState.sample(
      .sample(
        EventHubOptions(maxEventBatchSize: 1, onFailure: .skip),
        retry: .fixedDelay(maxRetryCount: 0, delayInterval: .zero)))
    state.receive(0...0)
    let notes = state.fail(try require(state.take()))
    #expect(notes.map(\.kind) == [.skipped])
    let commit = try require(state.commit())
    #expect(commit.outputs.isEmpty)
    #expect(commit.position?.sequenceNumber == 0)
  }

  @Test func `block tries for ever, and says so once`() throws {
    var state = PartitionState.sample(
      .sample(
        EventHubOptions(maxEventBatchSize: 1, onFailure: .block),
        retry: .fixedDelay(maxRetryCount: 0, delayInterval: .zero)))
    state.receive(0...1)
    var notes: [PartitionNote] = []
    for attempt in 1...20 {
      let work = try require(state.take())
      #expect(work.numbers == [0])
      #expect(work.events[0].attempt == attempt)
      notes += state.fail(work)
    }
    #expect(notes.map(\.kind) == [.blocked])
    #expect(state.commit() == nil)
  }

  @Test func `intent goes before the policy`() throws {
    var state = PartitionState.sample(.sample(EventHubOptions(maxEventBatchSize: 1), retry: Self.quick))
    state.receive(0...1)
    state.fail(try require(state.take()), Outcome.retry(after: .milliseconds(5)))
    state.fail(try require(state.take(at: 5)), Outcome.deadLetter("no"), at: 5)
    #expect(try require(state.commit(at: 5)).outputs.count == 1)
    #expect(try require(state.take(at: 5)).numbers == [1])
  }

  @Test func `what cannot be decoded is set aside at once, and its neighbours count`() throws {
    var state = PartitionState.sample()
    state.receive(0...2)
    let work = try require(state.take())
    _ = state.settle(
      work.run, count: 3,
      EventVerdict(
        undecodable: [Undecoded(offset: work.events[1].offset, error: Scripted())], body: .together([.sample("out")])),
      now: .milliseconds(0))
    let commit = try require(state.commit())
    #expect(commit.outputs.map(\.id) == ["out", "e1"])
    #expect(commit.position?.sequenceNumber == 2)
  }

  @Test func `behind an event that is tried again nothing of the batch counts`() throws {
    var state = PartitionState.sample(.sample(retry: Self.quick))
    state.receive(0...4)
    let work = try require(state.take())
    _ = state.settle(
      work.run, count: 5,
      EventVerdict(body: .each([.success([.sample("a")]), .failure(Scripted()), .success([.sample("c")])])),
      now: .milliseconds(0))
    let commit = try require(state.commit())
    #expect(commit.outputs.map(\.id) == ["a"])
    #expect(commit.position?.sequenceNumber == 0)
    let again = try require(state.take(at: 1000))
    #expect(again.numbers == [1, 2, 3, 4])
    #expect(again.events.map(\.attempt) == [2, 1, 1, 1])
  }

  @Test func `bisection finds the one event that fails, and only that one counts an attempt`() throws {
    var state = PartitionState.sample(
      .sample(EventHubOptions(maxEventBatchSize: 16), retry: .fixedDelay(maxRetryCount: 1, delayInterval: .zero)))
    state.receive(0...15)
    var runs = 0
    while let work = state.take() {
      runs += 1
      if work.numbers.contains(11) { state.fail(work) } else { state.succeed(work) }
      try #require(runs < 40)
    }
    let commits = state.commitAll()
    #expect(commits.flatMap(\.outputs).map(\.id) == ["e11"])
    #expect(state.position == .sample(15))
    let letter = try #require(commits.flatMap(\.outputs).first)
    #expect(letter.headers[WireField.deadLetterAttempts]?.text == "2")
  }

  @Test func `a batch that is kept whole runs again as it was, and shares its fate`() throws {
    let options = EventHubOptions(maxEventBatchSize: 3, batchFailure: .whole)
    var state = PartitionState.sample(.sample(options, retry: .fixedDelay(maxRetryCount: 1, delayInterval: .zero)))
    state.receive(0...1)
    state.fail(try require(state.take()))
    state.receive(2...4)
    let again = try require(state.take())
    #expect(again.numbers == [0, 1])
    state.fail(again)
    #expect(try require(state.commit()).outputs.map(\.id) == ["e0", "e1"])
    #expect(try require(state.take()).numbers == [2, 3, 4])
  }

  @Test func `a refused output fails the events that made it, and undoes what came behind in the lane`() throws {
    var state = PartitionState.sample(.sample(EventHubOptions(maxEventBatchSize: 1), retry: Self.quick))
    state.receive(0...2)
    state.succeed(try require(state.take()), outputs: [.sample("a")], values: ["k0": Bytes("1")])
    state.succeed(try require(state.take()), outputs: [.sample("b")], values: ["k0": Bytes("2")])
    let running = try require(state.take())
    let commit = try require(state.commit())
    #expect(commit.outputs.map(\.id) == ["a"])
    let notes = state.refused(
      [0: .init(.tooLarge, "large", isRetriable: false)], wasSent: { _ in false }, now: .milliseconds(0))
    #expect(notes.map(\.kind) == [.retried])
    // The run behind it has not happened either.
    state.succeed(running, outputs: [.sample("c")])
    #expect(state.commit() == nil)
    #expect(state.values.missing(of: ["k0"]) == ["k0"])
    var order: [Int] = []
    while let work = state.take(at: 1000) {
      order += work.numbers
      state.succeed(work, at: 1000)
    }
    #expect(order == [0, 1, 2])
    #expect(state.commitAll(at: 1000).map(\.number) == [1, 2, 3])
  }

  @Test func `of a refused commit the rest is sent again, without what has left`() throws {
    var state = PartitionState.sample(.sample(EventHubOptions(maxEventBatchSize: 1, lanes: 2), retry: Self.quick))
    state.receive(0...1, keys: 2)
    let works = [try require(state.take()), try require(state.take())]
    for work in works {
      let number = work.numbers[0]
      state.succeed(work, outputs: [.sample("far\(number)", connection: "other"), .sample("near\(number)")])
    }
    let commit = try require(state.commit())
    let refused = try #require(commit.outputs.firstIndex { $0.id == "near1" })
    _ = state.refused(
      [refused: .init(.tooLarge, "large", isRetriable: false)], wasSent: { $0.address.connection != nil },
      now: .milliseconds(0))
    let rest = try require(state.commit())
    #expect(rest.outputs.map(\.id) == ["near0"])
    #expect(rest.number == commit.number)
    #expect(rest.position?.sequenceNumber == 0)
  }

  @Test func `of two refused outputs of a lane the later one has not happened`() throws {
    let policy = RetryPolicy.fixedDelay(maxRetryCount: 0, delayInterval: .zero)
    var state = PartitionState.sample(.sample(retry: policy))
    state.receive(0...2)
    let work = try require(state.take())
    _ = state.settle(
      work.run, count: 3,
      EventVerdict(body: .each([.success([.sample("a")]), .success([.sample("b")]), .success([.sample("c")])])),
      now: .milliseconds(0))
    _ = try require(state.commit())
    let error = BrokerError(.tooLarge, "large", isRetriable: false)
    let notes = state.refused([0: error, 2: error], wasSent: { _ in false }, now: .milliseconds(0))
    #expect(notes.map(\.kind) == [.deadLettered])
    let commit = try require(state.commit())
    #expect(commit.outputs.map(\.id) == ["e0"])
    #expect(commit.position?.sequenceNumber == 0)
    #expect(try require(state.take()).numbers == [1, 2])
  }

  @Test func `a dead letter that cannot be written keeps its event`() throws {
    var state = PartitionState.sample()
    state.receive(0...0)
    state.fail(try require(state.take()), Outcome.deadLetter("no"))
    _ = try require(state.commit())
    let notes = state.refused(
      [0: .init(.tooLarge, "large", isRetriable: false)], wasSent: { _ in false }, now: .milliseconds(0))
    #expect(notes.map(\.kind) == [.blocked])
    #expect(state.take(at: 9999) == nil)
    #expect(try require(state.take(at: 10_000)).numbers == [0])
  }

  @Test func `a run over its deadline is cancelled, then given up, and its event has failed`() throws {
    var state = PartitionState.sample(
      .sample(EventHubOptions(maxEventBatchSize: 1), retry: Self.quick, timeout: .seconds(1)))
    state.receive(0...0)
    let work = try require(state.take())
    #expect(state.expire(now: .milliseconds(999)).cancel.isEmpty)
    #expect(state.expire(now: .milliseconds(1000)).cancel == [work.run])
    #expect(state.expire(now: .milliseconds(2999)).notes.isEmpty)
    #expect(state.expire(now: .milliseconds(3000)).notes.map(\.kind) == [.retried])
    #expect(state.abandonedRuns == [work.run])
    // It ends at last: nothing of it counts.
    state.succeed(work, outputs: [.sample("late")])
    #expect(state.abandonedRuns.isEmpty)
    #expect(state.commit() == nil)
    #expect(try require(state.take(at: 4000)).events[0].attempt == 2)
  }

  @Test func `a run that ends after its deadline has failed`() throws {
    var state = PartitionState.sample(
      .sample(EventHubOptions(maxEventBatchSize: 1), retry: Self.quick, timeout: .seconds(1)))
    state.receive(0...0)
    let work = try require(state.take())
    _ = state.expire(now: .milliseconds(1000))
    state.succeed(work, outputs: [.sample("late")], at: 1500)
    #expect(state.commit(at: 1500) == nil)
    #expect(try require(state.take(at: 2500)).events[0].attempt == 2)
  }
}
