import Foundation
import MartletCore

/// The runtime's part of a partition reader, for tests: keeps what comes, and lets a test wait for it.
final class EventInbox: EventHandler {
  struct State: Sendable {
    var events: [Event] = []
    var tail: PartitionTail?
    var losses: [EventLoss] = []
    var problems: [BrokerError?] = []
    var largestBatch = 0
    var waiting: [UUID: (isReached: @Sendable (State) -> Bool, continuation: AsyncStream<Void>.Continuation)] = [:]
  }

  private let state = Locked(State())

  func receive(_ events: [Event], tail: PartitionTail?) {
    change {
      $0.events += events
      $0.tail = tail
      $0.largestBatch = max($0.largestBatch, events.count)
    }
  }
  func receive(_ loss: EventLoss) { change { $0.losses.append(loss) } }
  func report(problem: BrokerError?) { change { $0.problems.append(problem) } }

  var events: [Event] { state.withLock { $0.events } }
  var ids: [String] { events.map(\.message.id) }
  var tail: PartitionTail? { state.withLock { $0.tail } }
  var losses: [EventLoss] { state.withLock { $0.losses } }
  var problems: [BrokerError?] { state.withLock { $0.problems } }

  private func change(_ body: (inout State) -> Void) {
    let reached = state.withLock { state in
      body(&state)
      let current = state
      let reached = state.waiting.filter { $0.value.isReached(current) }
      for id in reached.keys { state.waiting[id] = nil }
      return reached.values.map(\.continuation)
    }
    for continuation in reached { continuation.finish() }
  }

  /// Waits until the state is as asked.
  func wait(
    _ what: String, within limit: Duration = .seconds(60), _ isReached: @escaping @Sendable (State) -> Bool
  ) async throws {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
    let id = UUID()
    let isThere = state.withLock { state in
      if isReached(state) { return true }
      state.waiting[id] = (isReached, continuation)
      return false
    }
    if isThere { return }
    let alarm = Task {
      try? await Task.sleep(for: limit)
      continuation.finish()
    }
    for await _ in stream {}
    alarm.cancel()
    let isStillMissing = state.withLock { state in
      state.waiting[id] = nil
      return !isReached(state)
    }
    if isStillMissing { throw TestFailure(text: "waited \(limit) for \(what); there are \(ids.count): \(losses)") }
  }

  /// Waits until so many events have come in all.
  func first(_ count: Int, within limit: Duration = .seconds(60)) async throws -> [Event] {
    try await wait("\(count) events", within: limit) { $0.events.count >= count }
    return Array(events.prefix(count))
  }
}
