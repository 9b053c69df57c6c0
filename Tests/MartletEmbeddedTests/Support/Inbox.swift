import MartletCore

/// What a consumer was told, and a wait for it with a wide deadline.
final class Inbox: DeliveryHandler {
  private struct State {
    var deliveries: [Delivery] = []
    var taken = 0
    var revoked: UInt32 = 0
    var problems: [BrokerError?] = []
    var waiters: [CheckedContinuation<Void, Never>] = []
  }
  private let state = Locked(State())

  func receive(_ deliveries: [Delivery]) { change { $0.deliveries += deliveries } }
  func revoke(generationsBefore generation: UInt32) { change { $0.revoked = generation } }
  func report(problem: BrokerError?) { change { $0.problems.append(problem) } }

  private func change(_ body: (inout State) -> Void) {
    let waiters = state.withLock { state in
      body(&state)
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  var all: [Delivery] { state.withLock { $0.deliveries } }
  var bodies: [String] { all.map { $0.message.body.string ?? "?" } }
  var revoked: UInt32 { state.withLock { $0.revoked } }
  var problems: [BrokerError?] { state.withLock { $0.problems } }

  /// The next `count` deliveries.
  func next(_ count: Int = 1, within limit: Duration = .seconds(60)) async throws -> [Delivery] {
    try await wait(within: limit) { $0.all.count - $0.taken >= count }
    return state.withLock { state in
      defer { state.taken += count }
      return Array(state.deliveries[state.taken..<state.taken + count])
    }
  }

  private var taken: Int { state.withLock { $0.taken } }

  /// Waits until something holds; it is looked at whenever something happens.
  func wait(within limit: Duration = .seconds(60), until holds: @escaping @Sendable (Inbox) -> Bool) async throws {
    let deadline = ContinuousClock.now + limit
    let alarm = Task {
      try await Task.sleep(until: deadline, clock: .continuous)
      change { _ in }
    }
    defer { alarm.cancel() }
    while !holds(self) {
      guard deadline > .now else { throw Late(text: "received \(all.count) deliveries, revoked \(revoked)") }
      await withCheckedContinuation { continuation in
        // What happened since `holds` was asked must not be slept over.
        let isPast = state.withLock { state in
          if deadline > .now { state.waiters.append(continuation) }
          return deadline <= .now
        }
        if isPast { continuation.resume() }
        if holds(self) { change { _ in } }
      }
    }
  }

  struct Late: Error { let text: String }
}
