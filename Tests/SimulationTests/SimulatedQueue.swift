import MartletCore

@testable import MartletRuntime

/// The queue as all processes share it: a model of the rules that every broker follows.
struct SimulatedQueue {
  enum State: CustomStringConvertible {
    case ready
    case delayed(until: UInt64)
    /// Its consumer died or lost its lease.
    case suspect
    case held(Holding)
    case completed(attempt: Int)
    case dead(DeadLetterReason, attempt: Int)

    var description: String {
      switch self {
      case .ready: "ready"
      case .delayed: "delayed"
      case .suspect: "suspect"
      case .held(let holding): "held by \(holding.process), attempt \(holding.attempt)"
      case .completed(let attempt): "completed, attempt \(attempt)"
      case .dead(let reason, let attempt): "dead (\(reason.code), \(reason.errorType ?? "")), attempt \(attempt)"
      }
    }
  }

  struct Holding {
    let process: Int
    let receipt: Receipt
    let attempt: Int
    let isSuspect: Bool
  }

  struct Stored {
    let number: Int
    let script: String
    var state = State.ready
    /// Attempts that a retry has recorded.
    var spent = 0
    /// How often it was handed out as a suspect since.
    var suspectRuns = 0
    /// Until then no settlement without outputs is taken.
    let refusedUntil: UInt64
    /// How often one was not.
    var refusals = 0
  }

  private(set) var messages: [Stored]
  private var nextReceipt: UInt64 = 0
  /// How often each output was applied.
  private(set) var outputs: [String: Int] = [:]
  private(set) var violations: [String] = []

  init(scripts: [String], refusedUntil: [Int: UInt64]) {
    messages = scripts.enumerated().map {
      Stored(number: $0.offset, script: $0.element, refusedUntil: refusedUntil[$0.offset] ?? 0)
    }
  }

  var isSettled: Bool {
    messages.allSatisfy { message in
      switch message.state {
      case .completed, .dead: true
      case .ready, .delayed, .suspect, .held: false
      }
    }
  }

  func held(by process: Int) -> Int {
    messages.count { if case .held(let holding) = $0.state { holding.process == process } else { false } }
  }

  mutating func violation(_ text: String) { violations.append(text) }

  /// A process has drained and closes its consumer: what it could not settle goes back, and nothing else is left.
  mutating func close(process: Int) {
    let isForgotten = messages.contains {
      if case .held(let holding) = $0.state { holding.process == process && $0.refusals == 0 } else { false }
    }
    if isForgotten { violation("a drain has ended, and a message is still held") }
    orphan(process: process)
  }

  // MARK: Handing out

  /// At most `limit` messages for a process.
  mutating func claim(_ limit: Int, process: Int, generation: UInt32, now: UInt64) -> [Delivery] {
    var deliveries: [Delivery] = []
    for index in messages.indices where deliveries.count < limit {
      switch messages[index].state {
      case .delayed(let until) where until <= now: messages[index].state = .ready
      default: break
      }
      let isSuspect: Bool
      switch messages[index].state {
      case .ready: isSuspect = false
      case .suspect where !hasSuspect(process): isSuspect = true
      default: continue
      }
      if isSuspect { messages[index].suspectRuns += 1 }
      let message = messages[index]
      nextReceipt += 1
      let holding = Holding(
        process: process, receipt: Receipt(generation: generation, low: nextReceipt),
        attempt: message.spent + 1 + message.suspectRuns, isSuspect: isSuspect)
      messages[index].state = .held(holding)
      deliveries.append(
        Delivery(
          message: Message(body: Bytes(message.script), id: "m\(message.number)"), receipt: holding.receipt,
          attempt: holding.attempt, isSuspect: isSuspect))
    }
    return deliveries
  }

  private func hasSuspect(_ process: Int) -> Bool {
    messages.contains {
      if case .held(let holding) = $0.state { holding.process == process && holding.isSuspect } else { false }
    }
  }

  /// What a process held has no owner now.
  mutating func orphan(process: Int) {
    for index in messages.indices {
      if case .held(let holding) = messages[index].state, holding.process == process {
        messages[index].state = .suspect
      }
    }
  }

  // MARK: Settling

  /// Applies a group of a consumer that owns its messages.
  mutating func apply(_ group: CommitGroup, process: Int, now: UInt64) -> CommitResult {
    if Set(group.settlements.map(\.receipt.generation)).count > 1 {
      violation("a commit mixes generations")
    }
    var refused: [Int: BrokerError] = [:]
    for (index, entry) in group.entries.enumerated() {
      if group.outputs[entry.outputs].contains(where: Self.isRefused) {
        refused[index] = Self.refusal
        continue
      }
      if entry.outputs.isEmpty, refuses(group.settlements[entry.settlements], now: now) {
        refused[index] = Self.refusal
        continue
      }
      for settlement in group.settlements[entry.settlements] { settle(settlement, process: process, now: now) }
      for output in group.outputs[entry.outputs] { add(output) }
    }
    return refused.isEmpty ? .applied : .refused(refused)
  }

  private mutating func refuses(_ settlements: ArraySlice<Settlement>, now: UInt64) -> Bool {
    let places = settlements.compactMap { place(of: $0.receipt) }
    guard places.contains(where: { messages[$0].refusedUntil > now }) else { return false }
    // An entry is refused as a whole.
    for index in places { messages[index].refusals += 1 }
    return true
  }

  private func place(of receipt: Receipt) -> Int? {
    messages.firstIndex { if case .held(let holding) = $0.state { holding.receipt == receipt } else { false } }
  }

  mutating func add(_ output: OutgoingMessage) { outputs[output.id, default: 0] += 1 }

  static func isRefused(_ output: OutgoingMessage) -> Bool { output.body.string == "refuse" }
  static let refusal = BrokerError(.tooLarge, "too large", isRetriable: false)

  private mutating func settle(_ settlement: Settlement, process: Int, now: UInt64) {
    guard let index = place(of: settlement.receipt), case .held(let holding) = messages[index].state,
      holding.process == process
    else {
      return violation("a receipt was settled that is not held: \(settlement)")
    }
    switch settlement {
    case .complete: messages[index].state = .completed(attempt: holding.attempt)
    case .deadLetter(let delivery, let reason):
      check(delivery, holding)
      messages[index].state = .dead(reason, attempt: holding.attempt)
    case .retry(let delivery, let delay):
      check(delivery, holding)
      messages[index].spent = delivery.attempt
      messages[index].suspectRuns = 0
      let nanoseconds = UInt64(delay / .nanoseconds(1))
      messages[index].state = nanoseconds == 0 ? .ready : .delayed(until: now + nanoseconds)
    case .release(let delivery):
      check(delivery, holding)
      messages[index].spent = holding.attempt - 1
      messages[index].suspectRuns = 0
      messages[index].state = .ready
    }
  }

  private mutating func check(_ delivery: Delivery, _ holding: Holding) {
    if delivery.attempt != holding.attempt {
      violation("attempt \(delivery.attempt) was handed out as \(holding.attempt)")
    }
  }
}
