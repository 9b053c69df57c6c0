import Martlet

/// A value that threads change and tasks wait for: an event with a deadline, instead of a sleep.
final class Observed<Value: Sendable>: Sendable {
  private typealias Waiter = @Sendable (inout Value, _ isLate: Bool) -> Bool

  private struct State {
    var value: Value
    /// Each is asked after every change, and once more at its deadline; true when its wait is over.
    var waiters: [UInt64: Waiter] = [:]
    var nextWaiter: UInt64 = 0
  }

  private let state: Locked<State>

  init(_ value: Value) { state = Locked(State(value: value)) }

  /// The value now.
  var value: Value { state.withLock { $0.value } }

  /// Changes the value and lets those go on whose wait is over.
  @discardableResult
  func update<R: Sendable>(_ change: (inout Value) -> R) -> R {
    state.withLock { state in
      let result = change(&state.value)
      for (id, isOver) in state.waiters.sorted(by: { $0.key < $1.key }) where isOver(&state.value, false) {
        state.waiters[id] = nil
      }
      return result
    }
  }

  /// Waits until `take` answers with a value; it may change what it looks at. Nil at the deadline.
  func wait<R: Sendable>(
    until deadline: ContinuousClock.Instant, _ take: @escaping @Sendable (inout Value) -> R?
  ) async -> R? {
    let id = state.withLock { state in
      state.nextWaiter += 1
      return state.nextWaiter
    }
    let alarm = Task { [weak self] in
      try await Task.sleep(until: deadline, clock: .continuous)
      self?.expire(id)
    }
    defer { alarm.cancel() }
    return await withCheckedContinuation { (continuation: CheckedContinuation<R?, Never>) in
      let waiter: Waiter = { value, isLate in
        let result = take(&value)
        guard result != nil || isLate else { return false }
        continuation.resume(returning: result)
        return true
      }
      state.withLock { state in
        if !waiter(&state.value, ContinuousClock.now >= deadline) { state.waiters[id] = waiter }
      }
    }
  }

  private func expire(_ id: UInt64) {
    state.withLock { state in
      if let waiter = state.waiters.removeValue(forKey: id) { _ = waiter(&state.value, true) }
    }
  }
}
