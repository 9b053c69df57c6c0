import Foundation
import MartletCore

@testable import MartletRuntime

extension HubPlan {
  /// The plan of a function of events that does nothing.
  static func sample(
    _ events: EventHubOptions = EventHubOptions(), retry: RetryPolicy? = nil, isSingle: Bool = false,
    isStateful: Bool = false, timeout: Duration? = nil, mostValues: Int = KeyedValues.usualMost
  ) -> HubPlan {
    let name = HubName<String>("readings")
    let function =
      isSingle
      ? Function("detect", on: .event(of: name)) { (_: IncomingEvent<String>, _) in }
      : Function("detect", on: .eventHub(name)) { (_: EventBatch<String>, _) in }
    guard case .events(var binding) = function.body else { preconditionFailure("a hub's trigger binds events") }
    if isStateful {
      binding = EventBinding(
        hub: binding.hub, group: binding.group, isSingle: isSingle, isStateful: true, run: binding.run)
    }
    let options = FunctionOptions(functionTimeout: timeout, retry: retry, events: events)
    let plan = FunctionPlan(
      function: function, options: options, instance: "test", logger: Logger(sink: .discard),
      clock: HostClock(monotonic: { .milliseconds(0) }, wall: { .distantPast }))
    return HubPlan(base: plan, binding: binding, options: options, app: "app", mostValues: mostValues)
  }
}

extension PartitionState {
  /// A partition that was just claimed.
  static func sample(
    _ plan: HubPlan = .sample(), position: PartitionPosition? = nil, deaths: Int = 0, suspect: SuspectEvent? = nil,
    firstWait: Duration = .zero
  ) -> PartitionState {
    let record = PartitionRecord(
      partition: 0, owner: "test", epoch: 7, position: position, deaths: deaths, suspect: suspect)
    return PartitionState(
      plan: plan, partition: GroupPartition(group: plan.group, number: 0), record: record, start: PartitionPosition(),
      firstWait: UInt64(firstWait / .nanoseconds(1)))
  }

  /// Events of these numbers arrive; their keys are their numbers modulo `keys`.
  mutating func receive(_ numbers: ClosedRange<Int>, keys: Int = 1, at milliseconds: Double = 0) {
    _ = grant(now: .milliseconds(milliseconds))
    receive(
      numbers.map { .sample($0, key: "k\($0 % keys)") }, tail: nil, now: .milliseconds(milliseconds))
  }

  /// The numbers of the next batch.
  mutating func take(at milliseconds: Double = 0) -> PartitionWork? { take(now: .milliseconds(milliseconds)) }

  /// A run succeeds as one.
  @discardableResult
  mutating func succeed(
    _ work: PartitionWork, outputs: [OutgoingMessage] = [], values: [String: Bytes?] = [:], at milliseconds: Double = 0
  ) -> Next {
    settle(
      work.run, count: work.events.count, EventVerdict(body: .together(outputs), values: values),
      now: .milliseconds(milliseconds)
    ).next
  }

  /// A run fails as one.
  @discardableResult
  mutating func fail(
    _ work: PartitionWork, _ error: any Error = Scripted(), at milliseconds: Double = 0
  ) -> [PartitionNote] {
    settle(
      work.run, count: work.events.count, EventVerdict(body: .failed(error)), now: .milliseconds(milliseconds)
    ).notes
  }

  mutating func commit(at milliseconds: Double = 0) -> PartitionCommit? {
    commitToSend(now: .milliseconds(milliseconds)).commit
  }

  /// The oldest commit under way is durable.
  @discardableResult
  mutating func applied() -> Int { applied(through: flights.first?.commit.number ?? 0) }

  /// Commits all that is due; how far the group is then.
  @discardableResult
  mutating func commitAll(at milliseconds: Double = 0) -> [PartitionCommit] {
    var commits: [PartitionCommit] = []
    while let commit = commit(at: milliseconds) {
      commits.append(commit)
      applied()
    }
    return commits
  }
}

extension PartitionWork {
  var numbers: [Int] { events.map { Int($0.sequenceNumber) } }
}

extension Event {
  /// An event that is told by its number: sequence number and offset, id `e<number>`.
  static func sample(_ number: Int, key: String? = "k") -> Event {
    Event(
      message: Message(body: Bytes("\(number)"), id: "e\(number)", key: key),
      offset: EventOffset(low: UInt64(number + 1)), sequenceNumber: Int64(number))
  }
}

extension PartitionPosition {
  /// Everything up to an event, and some above it.
  static func sample(_ number: Int, finished: [Int] = []) -> PartitionPosition {
    PartitionPosition(
      checkpoint: EventOffset(low: UInt64(number + 1)), sequenceNumber: Int64(number), eventID: "e\(number)",
      finished: finished.map { EventOffset(low: UInt64($0 + 1)) })
  }

  var finishedNumbers: [Int] { finished.map { Int($0.low) - 1 } }
}
