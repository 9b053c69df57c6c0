import Martlet

@testable import MartletTestKit

/// Everything that a hub holds, partition by partition, as it comes.
final class HubTape: Sendable {
  struct State: Sendable {
    /// By partition, in its order.
    var events: [[Event]]
    /// Every id that was seen.
    var ids: Set<String> = []
  }

  private final class Handler: EventHandler {
    let partition: Int
    let state: Observed<State>
    let losses: Observed<[EventLoss]>

    init(partition: Int, state: Observed<State>, losses: Observed<[EventLoss]>) {
      (self.partition, self.state, self.losses) = (partition, state, losses)
    }

    func receive(_ events: [Event], tail: PartitionTail?) {
      state.update { state in
        state.events[partition] += events
        for event in events { state.ids.insert(event.message.id) }
      }
    }
    func receive(_ loss: EventLoss) { losses.update { $0.append(loss) } }
    func report(problem: BrokerError?) {}
  }

  private let hub: String
  private let log: any EventLog
  private let recorded: Observed<State>
  /// What could not be read; nothing should.
  let losses = Observed<[EventLoss]>([])
  private let readers = Locked<[any PartitionReader]>([])

  /// Begins with the first event of each partition.
  init(_ hub: String, partitions: Int, of log: any EventLog) async throws {
    self.hub = hub
    self.log = log
    recorded = Observed(State(events: Array(repeating: [], count: partitions)))
    for partition in 0..<partitions {
      let handler = Handler(partition: partition, state: recorded, losses: losses)
      let reader = try await log.read(
        HubPartition(hub: hub, number: partition), after: PartitionPosition(), function: "tape", handler: handler)
      reader.grant(10_000_000)
      readers.withLock { $0.append(reader) }
    }
  }

  /// By partition, in its order.
  var events: [[Event]] { recorded.value.events }
  /// How many different ids were seen.
  var count: Int { recorded.value.ids.count }

  /// Waits until the events are as asked.
  func wait(_ what: @autoclosure () -> String, within limit: Duration, _ isThere: (State) -> Bool) async throws {
    try await eventually(what(), within: limit) {
      if !losses.value.isEmpty { throw ConformanceFailure("\(hub) was not read to its end: \(losses.value)") }
      return isThere(recorded.value)
    }
  }

  /// Reads on to the end that the hub has now, and stops.
  func finish() async throws {
    let tails = try await log.bounds(of: hub).map(\.tail.sequenceNumber)
    try await wait("\(hub) is read to its end", within: .seconds(60)) { state in
      zip(state.events, tails).allSatisfy { ($0.last?.sequenceNumber ?? -1) >= $1 }
    }
    for reader in readers.withLock({ $0 }) { await reader.close() }
  }
}
