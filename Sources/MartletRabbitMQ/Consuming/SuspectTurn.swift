/// Whose suspect is handed out next: at most one of them is unsettled in a process. A state machine without I/O.
///
/// A suspect is taken with `basic.get` when its turn has come, never before: the broker counts every message that a dead
/// process had taken, and only the one that ran may be counted.
struct SuspectTurn {
  enum Action: Equatable {
    /// Nothing to do before; nil is until something happens.
    case wait(ContinuousClock.Instant?)
    /// Ask how many suspects these readers have.
    case count([Int])
    /// Ask for one of this reader's.
    case get(Int)
  }

  private enum State: Equatable {
    case idle(until: ContinuousClock.Instant?)
    case counting
    case getting(Int)
    case held(Int)
  }

  private var state = State.idle(until: nil)
  /// Readers that may have suspects, in turn.
  private var candidates: [Int] = []
  private var emptyRounds = 0

  /// Somebody's suspects are looked for this often, later less often.
  static let interval = Duration.seconds(1)
  static let longestInterval = Duration.seconds(5)

  /// What to do now. `open` are the readers that could take one.
  mutating func next(now: ContinuousClock.Instant, open: [Int]) -> Action {
    guard case .idle(let until) = state else { return .wait(nil) }
    if let index = candidates.firstIndex(where: open.contains) {
      let id = candidates.remove(at: index)
      state = .getting(id)
      return .get(id)
    }
    if let until, until > now { return .wait(until) }
    guard !open.isEmpty else { return .wait(nil) }
    state = .counting
    return .count(open)
  }

  mutating func counted(_ counts: [Int: Int], now: ContinuousClock.Instant) {
    guard state == .counting else { return }
    for (id, count) in counts where count > 0 { mayHave(id) }
    emptyRounds = counts.values.contains { $0 > 0 } ? 0 : emptyRounds + 1
    state = .idle(until: now + (emptyRounds > 60 ? Self.longestInterval : Self.interval))
  }

  /// A reader put one there.
  mutating func mayHave(_ id: Int) { if !candidates.contains(id) { candidates.append(id) } }

  mutating func came() {
    guard case .getting(let id) = state else { return }
    state = .held(id)
    // There may be more; others first.
    mayHave(id)
    emptyRounds = 0
  }

  mutating func cameNot(now: ContinuousClock.Instant) {
    if case .getting = state { state = .idle(until: now + Self.interval) }
  }

  /// The suspect of a reader is settled or gone.
  mutating func ended(_ id: Int) {
    if state == .held(id) || state == .getting(id) { state = .idle(until: nil) }
  }

  mutating func forget(_ id: Int) {
    candidates.removeAll { $0 == id }
    ended(id)
  }
}
