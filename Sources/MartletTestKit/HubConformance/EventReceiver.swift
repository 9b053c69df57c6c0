import Martlet

/// The runtime's place in a case: keeps events until the case takes them, and holds the log to the rules that always
/// apply (grants, order, each event once, nothing after the end).
final class EventReceiver: EventHandler {
  struct State: Sendable {
    var waiting: [Event] = []
    var received = 0
    var granted = 0
    var last: Event?
    var tail: PartitionTail?
    var loss: EventLoss?
    var problem: BrokerError?
    var isClosed = false
    /// The first rule that was broken.
    var fault: String?
    var reader: (any PartitionReader)?
  }

  private let state = Observed(State())
  private let patience: Duration
  private let isDense: Bool

  init(patience: Duration, isDense: Bool) {
    self.patience = patience
    self.isDense = isDense
  }

  func attach(_ reader: any PartitionReader) { state.update { $0.reader = reader } }

  // MARK: What the log says

  func receive(_ events: [Event], tail: PartitionTail?) {
    state.update { state in
      if let fault = fault(in: events, after: state), state.fault == nil { state.fault = fault }
      state.waiting += events
      state.received += events.count
      state.last = events.last ?? state.last
      state.tail = tail ?? state.tail
    }
  }

  func receive(_ loss: EventLoss) {
    state.update { state in
      if state.isClosed, state.fault == nil { state.fault = "a closed reader said \(loss)" }
      state.loss = loss
    }
  }

  func report(problem: BrokerError?) { state.update { $0.problem = problem } }

  private func fault(in events: [Event], after state: State) -> String? {
    if state.isClosed { return "\(events.count) events came after the reader was closed" }
    if let loss = state.loss { return "\(events.count) events came after the reader had ended with \(loss)" }
    if state.received + events.count > state.granted {
      return "\(state.granted) events were granted, \(state.received + events.count) came"
    }
    var last = state.last
    for event in events {
      if let last, last.offset >= event.offset {
        return "the offset \(event.offset) came behind \(last.offset)"
      }
      if let last,
        isDense ? event.sequenceNumber != last.sequenceNumber + 1 : event.sequenceNumber <= last.sequenceNumber
      {
        return "the sequence number \(event.sequenceNumber) came behind \(last.sequenceNumber)"
      }
      last = event
    }
    return nil
  }

  // MARK: What the case asks

  var tail: PartitionTail? { state.value.tail }
  var problem: BrokerError? { state.value.problem }

  /// So many events more may come.
  func grant(_ count: Int) {
    state.update { $0.granted += count }
    state.value.reader?.grant(count)
  }

  /// Takes exactly `count` events, in the order in which they came.
  func next(_ count: Int = 1, within limit: Duration? = nil) async throws -> [Event] {
    let taken = await state.wait(until: .now + (limit ?? patience)) { state -> [Event]? in
      guard state.waiting.count >= count || state.fault != nil else { return nil }
      defer { state.waiting.removeFirst(min(count, state.waiting.count)) }
      return Array(state.waiting.prefix(count))
    }
    try check()
    guard let taken, taken.count == count else {
      let state = state.value
      throw ConformanceFailure(
        "\(count) events were expected, \(state.waiting.count) came in time"
          + (state.loss.map { "; the reader ended with \($0)" } ?? "")
          + (state.problem.map { "; the broker said: \($0)" } ?? ""))
    }
    return taken
  }

  /// Takes one event.
  func one(within limit: Duration? = nil) async throws -> Event { try await next(1, within: limit)[0] }

  /// Takes what waits, at least one; none at the deadline.
  func batch(until deadline: ContinuousClock.Instant) async throws -> [Event] {
    let taken = await state.wait(until: deadline) { state -> [Event]? in
      guard !state.waiting.isEmpty || state.fault != nil else { return nil }
      defer { state.waiting = [] }
      return state.waiting
    }
    try check()
    return taken ?? []
  }

  /// Holds that nothing comes for a time.
  func nothing(for time: Duration, because reason: String) async throws {
    let came = await state.wait(until: .now + time) { state in
      state.waiting.first.map { "the event \($0.message.id)" } ?? state.loss.map { "\($0)" } ?? state.fault
    }
    if let came { throw ConformanceFailure("\(reason), but there came \(came)") }
  }

  /// Waits for the reader's end.
  func loss() async throws -> EventLoss {
    guard let loss = await state.wait(until: .now + patience, { $0.loss }) else {
      throw ConformanceFailure(
        "the reader should have ended with a loss; it did not in time, \(state.value.waiting.count) events wait")
    }
    try check()
    return loss
  }

  /// Throws where a rule was broken.
  func check() throws {
    if let fault = state.value.fault { throw ConformanceFailure(fault) }
  }

  /// Ends the reader; what comes afterwards breaks a rule.
  func close() async {
    await state.value.reader?.close()
    state.update { $0.isClosed = true }
  }
}
