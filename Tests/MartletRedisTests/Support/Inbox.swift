import Foundation
import MartletCore

/// The runtime's part, for tests: keeps what comes, and lets a test wait for it.
final class Inbox: DeliveryHandler {
  struct State: Sendable {
    var deliveries: [Delivery] = []
    var revokedBefore: UInt32 = 0
    var problems: [BrokerError?] = []
    var listeners: [UUID: AsyncStream<Void>.Continuation] = [:]
  }

  private let state = Locked(State())

  func receive(_ deliveries: [Delivery]) { change { $0.deliveries += deliveries } }
  func revoke(generationsBefore generation: UInt32) { change { $0.revokedBefore = generation } }
  func report(problem: BrokerError?) { change { $0.problems.append(problem) } }

  var deliveries: [Delivery] { state.withLock { $0.deliveries } }
  var ids: [String] { deliveries.map(\.message.id) }
  var problems: [BrokerError?] { state.withLock { $0.problems } }
  var revokedBefore: UInt32 { state.withLock { $0.revokedBefore } }

  private func change(_ body: (inout State) -> Void) {
    let listeners = state.withLock { state in
      body(&state)
      return Array(state.listeners.values)
    }
    for listener in listeners { listener.yield() }
  }

  /// Waits until the state is as asked.
  func wait(
    _ what: String, within limit: Duration = .seconds(60), _ isReached: @Sendable (State) -> Bool
  ) async throws {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let id = UUID()
    state.withLock { $0.listeners[id] = continuation }
    defer { state.withLock { $0.listeners[id] = nil } }
    let alarm = Task {
      try? await Task.sleep(for: limit)
      continuation.finish()
    }
    defer { alarm.cancel() }
    if state.withLock({ isReached($0) }) { return }
    for await _ in stream where state.withLock({ isReached($0) }) { return }
    if state.withLock({ isReached($0) }) { return }
    throw TestFailure(text: "waited \(limit) for \(what); there are \(ids)")
  }

  /// Waits until so many deliveries have come in all.
  func first(_ count: Int, within limit: Duration = .seconds(60)) async throws -> [Delivery] {
    try await wait("\(count) deliveries", within: limit) { $0.deliveries.count >= count }
    return Array(deliveries.prefix(count))
  }
}

struct TestFailure: Error, CustomStringConvertible {
  let text: String
  var description: String { text }
}

extension QueueConsumer {
  func settle(_ settlements: Settlement..., outputs: [OutgoingMessage] = []) async -> CommitResult {
    var group = CommitGroup()
    group.append(settlements: settlements, outputs: outputs)
    return await commit(group)
  }

  func complete(_ delivery: Delivery, outputs: [OutgoingMessage] = []) async -> CommitResult {
    await settle(.complete(delivery.receipt), outputs: outputs)
  }
}

extension CommitResult {
  var isApplied: Bool { if case .applied = self { true } else { false } }
  var isOwnershipLost: Bool { if case .ownershipLost = self { true } else { false } }
  var errors: [Int: BrokerError] { if case .refused(let errors) = self { errors } else { [:] } }
}
