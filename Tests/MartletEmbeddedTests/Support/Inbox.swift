import MartletCore

@testable import MartletTestKit

/// What a consumer was told, and a wait for it with a wide deadline.
final class Inbox: DeliveryHandler {
  struct State: Sendable {
    fileprivate(set) var all: [Delivery] = []
    fileprivate var taken = 0
    fileprivate(set) var revoked: UInt32 = 0
    fileprivate(set) var problems: [BrokerError?] = []
  }
  private let state = Observed(State())

  func receive(_ deliveries: [Delivery]) { state.update { $0.all += deliveries } }
  func revoke(generationsBefore generation: UInt32) { state.update { $0.revoked = generation } }
  func report(problem: BrokerError?) { state.update { $0.problems.append(problem) } }

  var all: [Delivery] { state.value.all }
  var bodies: [String] { all.map { $0.message.body.string ?? "?" } }
  var revoked: UInt32 { state.value.revoked }
  var problems: [BrokerError?] { state.value.problems }

  /// The next `count` deliveries.
  func next(_ count: Int = 1, within limit: Duration = .seconds(60)) async throws -> [Delivery] {
    try await take(within: limit) { state in
      guard state.all.count - state.taken >= count else { return nil }
      defer { state.taken += count }
      return Array(state.all[state.taken..<state.taken + count])
    }
  }

  /// Waits until something holds; it is looked at whenever something happens.
  func wait(within limit: Duration = .seconds(60), until holds: @escaping @Sendable (State) -> Bool) async throws {
    let _: Bool = try await take(within: limit) { holds($0) ? true : nil }
  }

  private func take<R: Sendable>(
    within limit: Duration, _ take: @escaping @Sendable (inout State) -> R?
  ) async throws -> R {
    guard let result = await state.wait(until: .now + limit, take) else {
      throw Late(text: "received \(all.count) deliveries, revoked \(revoked)")
    }
    return result
  }

  struct Late: Error { let text: String }
}
