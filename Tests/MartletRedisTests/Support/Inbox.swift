import MartletCore

@testable import MartletTestKit

/// The runtime's part, for tests: keeps what comes, and lets a test wait for it.
final class Inbox: DeliveryHandler {
  struct State: Sendable {
    var deliveries: [Delivery] = []
    var revokedBefore: UInt32 = 0
    var problems: [BrokerError?] = []
  }

  private let state = Observed(State())

  func receive(_ deliveries: [Delivery]) { state.update { $0.deliveries += deliveries } }
  func revoke(generationsBefore generation: UInt32) { state.update { $0.revokedBefore = generation } }
  func report(problem: BrokerError?) { state.update { $0.problems.append(problem) } }

  var deliveries: [Delivery] { state.value.deliveries }
  var ids: [String] { deliveries.map(\.message.id) }
  var problems: [BrokerError?] { state.value.problems }
  var revokedBefore: UInt32 { state.value.revokedBefore }

  /// Waits until the state is as asked.
  func wait(
    _ what: String, within limit: Duration = .seconds(60), _ isReached: @escaping @Sendable (State) -> Bool
  ) async throws {
    let isSo: Bool? = await state.wait(until: .now + limit) { isReached($0) ? true : nil }
    if isSo == nil { throw TestFailure(text: "waited \(limit) for \(what); there are \(ids)") }
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
