import MartletCore

@testable import MartletTestKit

/// What a reader of a partition was told, and a wait for it with a wide deadline.
final class EventInbox: EventHandler {
  struct State: Sendable {
    fileprivate(set) var all: [Event] = []
    fileprivate var taken = 0
    fileprivate(set) var tail: PartitionTail?
    fileprivate(set) var losses: [EventLoss] = []
    fileprivate(set) var problems: [BrokerError?] = []
    fileprivate(set) var batches: [Int] = []
  }
  private let state = Observed(State())

  func receive(_ events: [Event], tail: PartitionTail?) {
    state.update { state in
      state.all += events
      state.batches.append(events.count)
      state.tail = tail
    }
  }

  func receive(_ loss: EventLoss) { state.update { $0.losses.append(loss) } }
  func report(problem: BrokerError?) { state.update { $0.problems.append(problem) } }

  var all: [Event] { state.value.all }
  var ids: [String] { all.map(\.message.id) }
  var tail: PartitionTail? { state.value.tail }
  var losses: [EventLoss] { state.value.losses }
  var problems: [BrokerError?] { state.value.problems }
  /// How many events came at once, each time.
  var batches: [Int] { state.value.batches }

  /// The next `count` events.
  func next(_ count: Int = 1, within limit: Duration = .seconds(60)) async throws -> [Event] {
    try await take(within: limit) { state in
      guard state.all.count - state.taken >= count else { return nil }
      defer { state.taken += count }
      return Array(state.all[state.taken..<state.taken + count])
    }
  }

  /// The end of the reader.
  func loss(within limit: Duration = .seconds(60)) async throws -> EventLoss? {
    try await take(within: limit) { $0.losses.first }
  }

  /// Waits until something holds; it is looked at whenever something happens.
  func wait(within limit: Duration = .seconds(60), until holds: @escaping @Sendable (State) -> Bool) async throws {
    let _: Bool = try await take(within: limit) { holds($0) ? true : nil }
  }

  private func take<R: Sendable>(
    within limit: Duration, _ take: @escaping @Sendable (inout State) -> R?
  ) async throws -> R {
    guard let result = await state.wait(until: .now + limit, take) else {
      throw Inbox.Late(text: "received \(all.count) events, losses \(losses)")
    }
    return result
  }
}
