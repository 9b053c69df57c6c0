import Foundation
import MartletCore
import Testing

@testable import MartletRuntime

/// Repeats of events, over the state machine alone.
struct DeduplicationTests {
  private static func plan(_ options: EventHubOptions = EventHubOptions(), retry: RetryPolicy? = nil) -> HubPlan {
    var options = options
    options.deduplicate = .seconds(60)
    return .sample(options, retry: retry)
  }

  private static func state(
    _ plan: HubPlan = plan(), position: PartitionPosition? = nil, seen: SeenEvents = SeenEvents(window: .seconds(60)),
    deaths: Int = 0
  ) -> PartitionState {
    let record = PartitionRecord(partition: 0, owner: "test", epoch: 7, position: position, deaths: deaths)
    return PartitionState(
      plan: plan, partition: GroupPartition(group: plan.group, number: 0), record: record, start: PartitionPosition(),
      firstWait: 0, seen: seen)
  }

  /// An event with the id of another one.
  private static func event(_ number: Int, id: Int, key: String? = "k") -> Event {
    var event = Event.sample(number, key: key)
    event.message.id = "e\(id)"
    return event
  }

  /// What a store has after these commits.
  private static func stored(_ commits: [PartitionCommit]) -> [String: Bytes] {
    commits.reduce(into: [:]) { values, commit in
      for (key, value) in commit.values { values[key] = value }
    }
  }

  /// What the next owner finds.
  private static func seen(in values: [String: Bytes], window: Duration = .seconds(60)) throws -> SeenEvents {
    var seen = SeenEvents(window: window)
    for number in try #require(SeenEvents.numbers(in: values[SeenEvents.indexKey])) {
      seen.read(number, values[SeenEvents.key(number)])
    }
    return seen
  }

  @Test func `a repeat is done without a run, in a later batch and in the same one`() {
    var state = Self.state()
    state.receive([.sample(0), .sample(1), Self.event(2, id: 0), .sample(3)], tail: nil, now: .milliseconds(0))
    let first = state.take()
    #expect(first?.numbers == [0, 1])
    if let first { state.succeed(first) }
    let second = state.take()
    #expect(second?.numbers == [3])
    if let second { state.succeed(second) }
    let commits = state.commitAll()
    #expect(commits.last?.position?.sequenceNumber == 3)
    #expect(commits.last?.position?.finished == [])
  }

  @Test func `an event of another id with the same key is no repeat, and nothing is dropped unless it is asked for`() {
    var state = PartitionState.sample()
    state.receive([.sample(0), Self.event(1, id: 0)], tail: nil, now: .milliseconds(0))
    #expect(state.take()?.numbers == [0, 1])
    var own = Self.state()
    own.receive([.sample(0), .sample(1)], tail: nil, now: .milliseconds(0))
    #expect(own.take()?.numbers == [0, 1])
  }

  @Test func `the next owner drops repeats of what was committed, and runs what was not`() throws {
    var state = Self.state()
    state.receive([.sample(0), .sample(1)], tail: nil, now: .milliseconds(0))
    state.succeed(try state.next())
    let values = Self.stored(state.commitAll())
    var next = Self.state(position: .sample(1), seen: try Self.seen(in: values))
    next.receive([Self.event(2, id: 1), Self.event(3, id: 7)], tail: nil, now: .milliseconds(0))
    #expect(next.take()?.numbers == [3])
    // Whoever took over before the commit has nothing to tell the repeat by, and runs it.
    var other = Self.state()
    other.receive([.sample(0), Self.event(1, id: 0)], tail: nil, now: .milliseconds(0))
    #expect(other.take()?.numbers == [0])
  }

  @Test func `an event that is read again at its own place is no repeat`() throws {
    var state = Self.state()
    state.receive([.sample(0), Self.event(1, id: 0)], tail: nil, now: .milliseconds(0))
    state.succeed(try state.next())
    #expect(state.take() == nil)
    let values = Self.stored(state.commitAll())
    // The group was moved back to the start.
    var again = Self.state(seen: try Self.seen(in: values))
    again.receive([.sample(0), Self.event(1, id: 0), .sample(2)], tail: nil, now: .milliseconds(0))
    #expect(again.take()?.numbers == [0, 2])
  }

  @Test func `only a success is remembered`() throws {
    let once = RetryPolicy.fixedDelay(maxRetryCount: 0, delayInterval: .zero)
    for last in [EventFailure.Last.deadLetter, .skip] {
      var state = Self.state(Self.plan(EventHubOptions(onFailure: last), retry: once))
      state.receive([.sample(0), Self.event(1, id: 0)], tail: nil, now: .milliseconds(0))
      state.fail(try state.next())
      let second = try state.next()
      #expect(second.numbers == [1])
      state.succeed(second)
      let values = Self.stored(state.commitAll())
      #expect(try Self.seen(in: values).isRepeat(.init(id: "e0", offset: EventOffset(low: 3)), now: .distantPast))
    }
  }

  @Test func `what a broker refused is forgotten, and its repeat runs behind it`() throws {
    var state = Self.state(Self.plan(retry: .fixedDelay(maxRetryCount: 3, delayInterval: .zero)))
    state.receive([.sample(0), Self.event(1, id: 0)], tail: nil, now: .milliseconds(0))
    let output = OutgoingMessage(to: .queue("q"), body: Bytes("x"), id: "x")
    state.succeed(try state.next(), outputs: [output])
    #expect(state.take() == nil)
    _ = state.commit()
    let error = BrokerError(.notFound, "no queue", isRetriable: false)
    _ = state.refused([0: error], wasSent: { _ in false }, now: .milliseconds(0))
    let again = try state.next()
    #expect(again.numbers == [0])
    state.succeed(again)
    #expect(state.take() == nil)
    #expect(state.commitAll().last?.position?.sequenceNumber == 1)
  }

  @Test func `after deaths repeats do not run alone either`() throws {
    var seen = SeenEvents(window: .seconds(60))
    seen.remember(.init(id: "e0", offset: EventOffset(low: 1)))
    var state = Self.state(position: .sample(0), seen: seen, deaths: 2)
    state.receive([Self.event(1, id: 0), .sample(2)], tail: nil, now: .milliseconds(0))
    #expect(state.commit()?.suspect?.offset == EventOffset(low: 3))
  }

  @Test func `what is older than the window is forgotten, in memory and in the store`() throws {
    var seen = SeenEvents(window: .seconds(10))
    var values: [String: Bytes] = [:]
    for second in 0..<30 {
      let mark = SeenEvents.Mark(id: "e\(second)", offset: EventOffset(low: UInt64(second)))
      seen.remember(mark)
      let write = try #require(seen.write([mark], now: Date(timeIntervalSince1970: Double(second))))
      seen.wrote(write)
      for (key, value) in write.values { values[key] = value }
    }
    func remembered(_ seen: SeenEvents, at second: Double = 29) -> [Int] {
      let now = Date(timeIntervalSince1970: second)
      return (0..<30).filter { seen.isRepeat(.init(id: "e\($0)", offset: EventOffset(low: 1000)), now: now) }
    }
    #expect(remembered(seen) == Array(19..<30))
    #expect(values.count == 12)
    // Nothing is committed any more, and time goes on all the same.
    #expect(remembered(seen, at: 35) == Array(25..<30))
    #expect(remembered(seen, at: 40) == [])
    #expect(remembered(try Self.seen(in: values, window: .seconds(10))) == Array(19..<30))
    #expect(seen.write([], now: .distantFuture) == nil)
  }

  @Test func `offsets of every kind and ids of every character come back from the store`() throws {
    let marks = [
      SeenEvents.Mark(id: "a b\n\u{1F426}", offset: EventOffset(high: 1_700_000_000_000, low: 3)),
      SeenEvents.Mark(id: "", offset: EventOffset(low: .max)),
      SeenEvents.Mark(id: String(repeating: "i", count: 5000), offset: EventOffset(low: 0)),
    ]
    let write = try #require(SeenEvents(window: .seconds(1)).write(marks, now: Date(timeIntervalSince1970: 5)))
    let values = write.values.compactMapValues { $0 }
    let seen = try Self.seen(in: values)
    for mark in marks {
      let later = EventOffset(high: .max, low: .max)
      #expect(seen.isRepeat(.init(id: mark.id, offset: later), now: Date(timeIntervalSince1970: 5)))
      #expect(!seen.isRepeat(mark, now: Date(timeIntervalSince1970: 5)))
    }
    var broken = SeenEvents(window: .seconds(1))
    broken.read(1, Bytes("no chunk"))
    broken.read(2, nil)
    #expect(!broken.isRepeat(.init(id: "a", offset: EventOffset(low: 1)), now: .distantPast))
  }
}

extension PartitionState {
  /// The next batch, which must be there.
  fileprivate mutating func next() throws -> PartitionWork {
    let work = take()
    return try #require(work)
  }
}
