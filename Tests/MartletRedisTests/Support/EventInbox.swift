import MartletCore

@testable import MartletTestKit

/// The runtime's part of a partition reader, for tests: keeps what comes, and lets a test wait for it.
final class EventInbox: EventHandler {
  struct State: Sendable {
    var events: [Event] = []
    var tail: PartitionTail?
    var losses: [EventLoss] = []
    var problems: [BrokerError?] = []
    var largestBatch = 0
  }

  private let state = Observed(State())

  func receive(_ events: [Event], tail: PartitionTail?) {
    state.update {
      $0.events += events
      $0.tail = tail
      $0.largestBatch = max($0.largestBatch, events.count)
    }
  }
  func receive(_ loss: EventLoss) { state.update { $0.losses.append(loss) } }
  func report(problem: BrokerError?) { state.update { $0.problems.append(problem) } }

  var events: [Event] { state.value.events }
  var ids: [String] { events.map(\.message.id) }
  var tail: PartitionTail? { state.value.tail }
  var losses: [EventLoss] { state.value.losses }
  var problems: [BrokerError?] { state.value.problems }

  /// Waits until the state is as asked.
  func wait(
    _ what: String, within limit: Duration = .seconds(60), _ isReached: @escaping @Sendable (State) -> Bool
  ) async throws {
    guard await state.wait(until: .now + limit, { isReached($0) ? true : nil }) == nil else { return }
    throw TestFailure(text: "waited \(limit) for \(what); there are \(ids.count): \(losses)")
  }

  /// Waits until so many events have come in all.
  func first(_ count: Int, within limit: Duration = .seconds(60)) async throws -> [Event] {
    try await wait("\(count) events", within: limit) { $0.events.count >= count }
    return Array(events.prefix(count))
  }
}
