import Foundation
import MartletCore
import Synchronization

/// The runtime's part, for tests: keeps what comes, and lets a test wait for it.
final class Inbox: DeliveryHandler {
  struct State: Sendable {
    var deliveries: [Delivery] = []
    var taken = 0
    var revokedBefore: UInt32 = 0
    var problems: [BrokerError?] = []
    var changes: [UUID: AsyncStream<Void>.Continuation] = [:]
  }

  private let state = Locked(State())
  private let onReceive: (@Sendable ([Delivery]) -> Void)?

  init(onReceive: (@Sendable ([Delivery]) -> Void)? = nil) { self.onReceive = onReceive }

  func receive(_ deliveries: [Delivery]) {
    onReceive?(deliveries)
    change { $0.deliveries += deliveries }
  }

  func revoke(generationsBefore generation: UInt32) { change { $0.revokedBefore = generation } }
  func report(problem: BrokerError?) { change { $0.problems.append(problem) } }

  var deliveries: [Delivery] { state.withLock { $0.deliveries } }
  var problems: [BrokerError?] { state.withLock { $0.problems } }
  var revokedBefore: UInt32 { state.withLock { $0.revokedBefore } }

  private func change(_ body: (inout State) -> Void) {
    let listeners = state.withLock { state in
      body(&state)
      return Array(state.changes.values)
    }
    for listener in listeners { listener.yield() }
  }

  /// Waits until the state is as asked.
  func wait(
    _ what: String = "the inbox", within limit: Duration = .seconds(60), _ isReached: @Sendable (State) -> Bool
  ) async throws {
    let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    let id = UUID()
    state.withLock { $0.changes[id] = continuation }
    defer { state.withLock { $0.changes[id] = nil } }
    let timer = Task {
      try? await Task.sleep(for: limit)
      continuation.finish()
    }
    defer { timer.cancel() }
    if state.withLock({ isReached($0) }) { return }
    for await _ in stream where state.withLock({ isReached($0) }) { return }
    if state.withLock({ isReached($0) }) { return }
    throw TestFailure("waited \(limit) for \(what): \(state.withLock { "\($0.deliveries.count) deliveries" })")
  }

  /// The next delivery that no call has answered yet.
  func next(within limit: Duration = .seconds(60)) async throws -> Delivery {
    try await next(1, within: limit)[0]
  }

  /// The next deliveries that no call has answered yet.
  func next(_ count: Int, within limit: Duration = .seconds(60)) async throws -> [Delivery] {
    try await wait("\(count) deliveries", within: limit) { $0.deliveries.count - $0.taken >= count }
    return state.withLock { state in
      defer { state.taken += count }
      return Array(state.deliveries[state.taken..<state.taken + count])
    }
  }
}

extension QueueConsumer {
  func complete(_ deliveries: [Delivery], outputs: [OutgoingMessage] = []) async -> CommitResult {
    var group = CommitGroup()
    group.append(settlements: deliveries.map { .complete($0.receipt) }, outputs: outputs)
    return await commit(group)
  }

  func settle(_ settlements: Settlement..., outputs: [OutgoingMessage] = []) async -> CommitResult {
    var group = CommitGroup()
    group.append(settlements: settlements, outputs: outputs)
    return await commit(group)
  }
}

extension CommitResult {
  var isApplied: Bool { if case .applied = self { true } else { false } }
  var isOwnershipLost: Bool { if case .ownershipLost = self { true } else { false } }
  var errors: [Int: BrokerError] { if case .refused(let errors) = self { errors } else { [:] } }
}
