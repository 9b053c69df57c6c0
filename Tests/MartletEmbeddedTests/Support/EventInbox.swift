import MartletCore

/// What a reader of a partition was told, and a wait for it with a wide deadline.
final class EventInbox: EventHandler {
  private struct State {
    var events: [Event] = []
    var taken = 0
    var tail: PartitionTail?
    var losses: [EventLoss] = []
    var problems: [BrokerError?] = []
    var batches: [Int] = []
    var waiters: [CheckedContinuation<Void, Never>] = []
  }
  private let state = Locked(State())

  func receive(_ events: [Event], tail: PartitionTail?) {
    change { state in
      state.events += events
      state.batches.append(events.count)
      state.tail = tail
    }
  }

  func receive(_ loss: EventLoss) { change { $0.losses.append(loss) } }
  func report(problem: BrokerError?) { change { $0.problems.append(problem) } }

  private func change(_ body: (inout State) -> Void) {
    let waiters = state.withLock { state in
      body(&state)
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  var all: [Event] { state.withLock { $0.events } }
  var ids: [String] { all.map(\.message.id) }
  var tail: PartitionTail? { state.withLock { $0.tail } }
  var losses: [EventLoss] { state.withLock { $0.losses } }
  var problems: [BrokerError?] { state.withLock { $0.problems } }
  /// How many events came at once, each time.
  var batches: [Int] { state.withLock { $0.batches } }

  /// The next `count` events.
  func next(_ count: Int = 1, within limit: Duration = .seconds(60)) async throws -> [Event] {
    try await wait(within: limit) { $0.all.count - $0.taken >= count }
    return state.withLock { state in
      defer { state.taken += count }
      return Array(state.events[state.taken..<state.taken + count])
    }
  }

  /// The end of the reader.
  func loss(within limit: Duration = .seconds(60)) async throws -> EventLoss? {
    try await wait(within: limit) { !$0.losses.isEmpty }
    return losses.first
  }

  private var taken: Int { state.withLock { $0.taken } }

  /// Waits until something holds; it is looked at whenever something happens.
  func wait(within limit: Duration = .seconds(60), until holds: @escaping @Sendable (EventInbox) -> Bool)
    async throws
  {
    let deadline = ContinuousClock.now + limit
    let alarm = Task {
      try await Task.sleep(until: deadline, clock: .continuous)
      change { _ in }
    }
    defer { alarm.cancel() }
    while !holds(self) {
      guard deadline > .now else { throw Inbox.Late(text: "received \(all.count) events, losses \(losses)") }
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
}
