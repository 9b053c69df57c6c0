import MartletCore

/// Keeps a consumer group bound to its store where another broker has the hub: before it begins, and now and then while
/// it is at work, since a binding may be released by hand or go with its hub.
final class GroupBinding: Sendable {
  private struct State: Sendable {
    var isAsking = false
    var asksAt = MonotonicTime(nanoseconds: 0)
    /// Whether it was ever bound; before that the group is not at work.
    var isKnown = false
    /// Why the group may not go on; nil while it is bound, or nothing else is known.
    var refusal: BrokerError?
  }

  /// It is asked at least so often.
  static let longestInterval = Duration.seconds(10)

  private let log: any BindingEventLog
  private let store: any Store
  private let plan: HubPlan
  private let interval: Duration
  private let state = Locked(State())

  /// - Returns: nil where the hub's broker binds nothing.
  init?(_ log: any EventLog, _ store: any Store, _ plan: HubPlan) {
    guard let log = log as? any BindingEventLog else { return nil }
    (self.log, self.store, self.plan) = (log, store, plan)
    interval = min(plan.expiration, Self.longestInterval)
  }

  /// Binds the group.
  /// - Throws: `conflict` where another store has it.
  func bind() async throws(BrokerError) {
    try await log.bind(plan.group, to: store.identity())
    state.withLock { state in
      state.isKnown = true
      state.asksAt = plan.base.clock.monotonic() + interval
    }
  }

  /// Binds the group, or leaves that to the next look where the store or the broker is away.
  /// - Throws: `conflict` where another store has it.
  func begin() async throws(BrokerError) {
    do throws(BrokerError) {
      try await bind()
    } catch  where error.code == .unavailable {
      plan.base.logger.warning("cannot bind \(plan.group) to its store yet, tries again: \(error.message)")
    }
  }

  /// Whether the group may be at work, as far as is known.
  var isBound: Bool { state.withLock { $0.isKnown && $0.refusal == nil } }

  /// Asks again when it is time to.
  func tick(now: MonotonicTime, on executor: FunctionExecutor) {
    let isDue = state.withLock { state in
      guard !state.isAsking, state.asksAt <= now else { return false }
      state.isAsking = true
      return true
    }
    if isDue { Task.detached(executorPreference: executor) { [self] in await ask() } }
  }

  private func ask() async {
    var answer: Result<Void, BrokerError>
    do {
      try await bind()
      answer = .success(())
    } catch {
      answer = .failure(error)
    }
    let now = plan.base.clock.monotonic()
    let before = state.withLock { state in
      defer {
        state.isAsking = false
        state.asksAt = now + (state.isKnown ? interval : plan.updateInterval)
        switch answer {
        case .success: state.refusal = nil
        // Whatever else goes wrong says nothing of the binding.
        case .failure(let error): if error.code == .conflict { state.refusal = error }
        }
      }
      return state.refusal
    }
    switch answer {
    case .success where before != nil:
      plan.base.logger.information("\(plan.group) is bound to its store again")
    case .failure(let error) where error.code == .conflict && error.message != before?.message:
      plan.base.logger.error("gives up \(plan.address), asks again: \(error.message)")
    default: break
    }
  }
}
