import MartletCore

/// How many batches of one function run side by side, over all its partitions. Who finds no slot waits in a line, so that
/// none starves beside one that always has more to do.
final class RunSlots<Waiter: AnyObject & Sendable>: Sendable {
  private struct State: Sendable {
    var taken = 0
    /// Each once, in the order in which they came.
    var line: [Waiter] = []
    var members: Set<ObjectIdentifier> = []
  }

  private let most: Int
  private let state = Locked(State())

  init(_ most: Int) { self.most = most }

  /// Takes a slot, if there is one and nobody came before.
  func take(for waiter: Waiter) -> Bool {
    state.withLock { state in
      guard state.taken < most else { return false }
      if let first = state.line.first {
        guard first === waiter else { return false }
        state.line.removeFirst()
        state.members.remove(ObjectIdentifier(waiter))
      }
      state.taken += 1
      return true
    }
  }

  /// Gives a slot back. Whoever is `next` then must be told.
  func free() { state.withLock { $0.taken -= 1 } }

  /// Stands in line, or keeps its place.
  func wait(_ waiter: Waiter) {
    state.withLock { state in
      if state.members.insert(ObjectIdentifier(waiter)).inserted { state.line.append(waiter) }
    }
  }

  /// Has nothing to run any more.
  func leave(_ waiter: Waiter) {
    state.withLock { state in
      if state.members.remove(ObjectIdentifier(waiter)) != nil { state.line.removeAll { $0 === waiter } }
    }
  }

  /// Who can take a slot now and does not know it yet.
  var next: Waiter? { state.withLock { $0.taken < most ? $0.line.first : nil } }
}
