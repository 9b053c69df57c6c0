import Martlet

/// The runtime's place in a case: keeps deliveries until the case takes them, and holds the broker to the rules that
/// always apply (prefetch, one suspect at a time, nothing after a revocation).
final class Receiver: DeliveryHandler {
  struct State: Sendable {
    var waiting: [Delivery] = []
    /// Handed out and not settled, with whether it is a suspect.
    var unsettled: [Receipt: Bool] = [:]
    var peakUnsettled = 0
    var peakSuspects = 0
    var received = 0
    var revocations = 0
    var problem: BrokerError?
    var consumer: (any QueueConsumer)?
  }

  private let state = Observed(State())
  private let patience: Duration

  init(patience: Duration) { self.patience = patience }

  func attach(_ consumer: any QueueConsumer) { state.update { $0.consumer = consumer } }

  func receive(_ deliveries: [Delivery]) {
    state.update { state in
      state.waiting += deliveries
      state.received += deliveries.count
      for delivery in deliveries { state.unsettled[delivery.receipt] = delivery.isSuspect }
      state.peakUnsettled = max(state.peakUnsettled, state.unsettled.count)
      state.peakSuspects = max(state.peakSuspects, state.unsettled.values.count { $0 })
    }
  }

  func revoke(generationsBefore generation: UInt32) {
    state.update { state in
      state.revocations += 1
      state.waiting.removeAll { $0.receipt.generation < generation }
      state.unsettled = state.unsettled.filter { $0.key.generation >= generation }
    }
  }

  func report(problem: BrokerError?) { state.update { $0.problem = problem } }

  var peakUnsettled: Int { state.value.peakUnsettled }
  var peakSuspects: Int { state.value.peakSuspects }
  var waiting: Int { state.value.waiting.count }
  var problem: BrokerError? { state.value.problem }

  /// Takes exactly `count` deliveries, in the order in which they came.
  func next(_ count: Int = 1, within limit: Duration? = nil) async throws -> [Delivery] {
    let taken = await state.wait(until: .now + (limit ?? patience)) { state -> [Delivery]? in
      guard state.waiting.count >= count else { return nil }
      defer { state.waiting.removeFirst(count) }
      return Array(state.waiting[..<count])
    }
    guard let taken else {
      let (waiting, problem) = (state.value.waiting.count, state.value.problem)
      throw ConformanceFailure(
        "\(count) deliveries were expected, \(waiting) came in time"
          + (problem.map { "; the broker said: \($0)" } ?? ""))
    }
    return taken
  }

  /// Takes one delivery.
  func one(within limit: Duration? = nil) async throws -> Delivery {
    try await next(1, within: limit)[0]
  }

  /// Takes all deliveries that wait, at least one; none at the deadline.
  func batch(until deadline: ContinuousClock.Instant) async -> [Delivery] {
    await state.wait(until: deadline) { state -> [Delivery]? in
      guard !state.waiting.isEmpty else { return nil }
      defer { state.waiting = [] }
      return state.waiting
    } ?? []
  }

  /// Holds that nothing comes for a time.
  func nothing(for time: Duration, because reason: String) async throws {
    let came = await state.wait(until: .now + time) { state in state.waiting.first }
    if let came {
      throw ConformanceFailure("\(reason), but \(came.message.id) came, attempt \(came.attempt)")
    }
  }

  func setPrefetch(_ count: Int) { state.value.consumer?.setPrefetch(count) }

  /// Hands a group to the broker.
  func begin(_ group: CommitGroup, completion: @escaping @Sendable (CommitResult) -> Void) throws {
    guard let consumer = state.value.consumer else { throw ConformanceFailure("the receiver has no consumer") }
    state.update { state in
      // Settled from now on: the next delivery may come before the answer does.
      for settlement in group.settlements { state.unsettled[settlement.receipt] = nil }
    }
    consumer.commit(group, completion: completion)
  }

  /// Hands a group to the broker and waits for the answer.
  func commit(_ group: CommitGroup) async throws -> CommitResult {
    let answer = Observed<CommitResult?>(nil)
    try begin(group) { result in answer.update { $0 = result } }
    guard let result = await answer.wait(until: .now + patience, { $0 }) else {
      throw ConformanceFailure("a commit of \(group.entries.count) entries was not answered in time")
    }
    return result
  }

  /// Commits settlements, one entry each, and holds that the broker applies them.
  func settle(_ settlements: [Settlement]) async throws {
    var group = CommitGroup()
    for settlement in settlements { group.append(settlement: settlement, outputs: []) }
    try await expectApplied(group)
  }

  func settle(_ settlement: Settlement) async throws { try await settle([settlement]) }

  /// Commits and holds that the broker applies it.
  func expectApplied(_ group: CommitGroup) async throws {
    let result = try await commit(group)
    guard case .applied = result else {
      throw ConformanceFailure("a commit of \(group.entries.count) entries should be applied; the answer was \(result)")
    }
  }

  func close() async {
    await state.update { $0.consumer }?.close(deadline: .now + patience)
  }
}
