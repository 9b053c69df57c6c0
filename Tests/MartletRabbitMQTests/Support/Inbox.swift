import MartletCore

@testable import MartletTestKit

/// The runtime's part, for tests: keeps what comes, and lets a test wait for it.
final class Inbox: DeliveryHandler {
  struct State: Sendable {
    var deliveries: [Delivery] = []
    var taken = 0
    var revokedBefore: UInt32 = 0
    var problems: [BrokerError?] = []
  }

  private let state = Observed(State())
  private let onReceive: (@Sendable ([Delivery]) -> Void)?

  init(onReceive: (@Sendable ([Delivery]) -> Void)? = nil) { self.onReceive = onReceive }

  func receive(_ deliveries: [Delivery]) {
    onReceive?(deliveries)
    state.update { $0.deliveries += deliveries }
  }

  func revoke(generationsBefore generation: UInt32) { state.update { $0.revokedBefore = generation } }
  func report(problem: BrokerError?) { state.update { $0.problems.append(problem) } }

  var deliveries: [Delivery] { state.value.deliveries }
  var problems: [BrokerError?] { state.value.problems }
  var revokedBefore: UInt32 { state.value.revokedBefore }

  /// Waits until the state is as asked.
  func wait(
    _ what: String = "the inbox", within limit: Duration = .seconds(60),
    _ isReached: @escaping @Sendable (State) -> Bool
  ) async throws {
    let isSo: Bool? = await state.wait(until: .now + limit) { isReached($0) ? true : nil }
    if isSo == nil { throw TestFailure("waited \(limit) for \(what): \(deliveries.count) deliveries") }
  }

  /// The next delivery that no call has answered yet.
  func next(within limit: Duration = .seconds(60)) async throws -> Delivery {
    try await next(1, within: limit)[0]
  }

  /// The next deliveries that no call has answered yet.
  func next(_ count: Int, within limit: Duration = .seconds(60)) async throws -> [Delivery] {
    try await wait("\(count) deliveries", within: limit) { $0.deliveries.count - $0.taken >= count }
    return state.update { state in
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
