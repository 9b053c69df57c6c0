import MartletCore

/// Whose turn it is to run an event that may kill the process: one partition at a time, so that when the process dies
/// the blame falls on one event alone. Each runs one and stands in line again, or most would stand still for as long as
/// one has more.
final class SuspectTurn<Waiter: AnyObject & Sendable>: Sendable {
  private struct State: Sendable {
    var holder: Waiter?
    /// Each once, in the order in which they came.
    var line: [Waiter] = []
  }

  private let state = Locked(State())

  /// Takes the turn, or stands in line for it.
  func take(for waiter: Waiter) -> Bool {
    state.withLock { state in
      if state.holder === waiter { return true }
      guard state.holder == nil, state.line.first.map({ $0 === waiter }) ?? true else {
        if !state.line.contains(where: { $0 === waiter }) { state.line.append(waiter) }
        return false
      }
      state.line.removeAll { $0 === waiter }
      state.holder = waiter
      return true
    }
  }

  /// Its event has its outcome, or it has none to run. Whoever is `next` then must be told.
  func giveUp(_ waiter: Waiter) {
    state.withLock { state in if state.holder === waiter { state.holder = nil } }
  }

  /// Has nothing to run alone any more.
  func leave(_ waiter: Waiter) {
    state.withLock { state in
      if state.holder === waiter { state.holder = nil }
      state.line.removeAll { $0 === waiter }
    }
  }

  /// Who can take the turn now and does not know it yet.
  var next: Waiter? { state.withLock { $0.holder == nil ? $0.line.first : nil } }
}
