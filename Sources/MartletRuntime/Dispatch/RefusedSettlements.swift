import MartletCore

/// Settlements that the broker does not take: the same is tried again, later and later, and holds no worker meanwhile.
/// To let the function fail once more would be no way out, since that ends in a settlement too. A state machine without
/// I/O.
struct RefusedSettlements: Sendable {
  /// What an entry of a group without outputs settles.
  struct Outcome: Sendable {
    var deliveries: [DeliveryReference]
    var settlements: [Settlement]
    /// The id that each remembers, or nothing; empty where repeats are not dropped.
    var ids: [String] = []
  }

  private struct Entry: Sendable {
    var outcome: Outcome
    /// Its place among all entries.
    let number: UInt64
    /// When a delayed retry was to come back. Behind it no delay is asked for, so who has no right to delay goes on too.
    let comesBack: MonotonicTime?
    var tries = 0
    /// When it is tried again; nil while it is on its way.
    var due: MonotonicTime?
  }

  private static let firstWait = 100_000_000.0
  private static let longestWait = 30_000_000_000.0

  /// By the first receipt.
  private var entries: [Receipt: Entry] = [:]
  private var count: UInt64 = 0
  private var random: UInt64
  private var reported: BrokerError.Code?

  /// - Parameter instance: the process's name: processes wait differently.
  init(instance: String) { random = instance.utf8.reduce(1) { $0 &* 31 &+ UInt64($1) } }

  var isEmpty: Bool { entries.isEmpty }

  /// Keeps what was refused until its next try. Answers whether to say so: once, until all is settled or the reason is
  /// another one.
  mutating func keep(_ outcome: Outcome, _ error: BrokerError, now: MonotonicTime) -> Bool {
    guard let receipt = outcome.settlements.first?.receipt else { return false }
    var entry = entries[receipt] ?? Entry(outcome: outcome, number: count, comesBack: outcome.comesBack(now: now))
    count += 1
    entry.outcome = outcome
    entry.due = MonotonicTime(nanoseconds: now.nanoseconds + wait(behind: entry.tries))
    entry.tries += 1
    entries[receipt] = entry
    defer { reported = error.code }
    return reported != error.code
  }

  /// Exponential, jittered down to a half.
  private mutating func wait(behind tries: Int) -> UInt64 {
    random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    let share = Double(random >> 11) / Double(1 << 53)
    let step = Self.firstWait * Double(sign: .plus, exponent: min(tries, 30), significand: 1)
    return UInt64(min(step, Self.longestWait) * (0.5 + share / 2))
  }

  /// What is tried now.
  mutating func takeDue(now: MonotonicTime) -> [Outcome] {
    guard !entries.isEmpty else { return [] }
    let due = entries.filter { $0.value.due.map { $0 <= now } ?? false }.sorted { $0.value.number < $1.value.number }
    return due.map { receipt, entry in
      entries[receipt]?.due = nil
      return entry.outcome.delayed(until: entry.comesBack, now: now)
    }
  }

  /// All that waits; what is on its way stays.
  mutating func takeWaiting() -> [Outcome] {
    let waiting = entries.values.filter { $0.due != nil }.sorted { $0.number < $1.number }
    entries = entries.filter { $0.value.due == nil }
    return waiting.map(\.outcome)
  }

  /// A group has its answer: forgets what is settled, or in other hands. Answers whether that was the last.
  mutating func forgetSettled(in deliveries: some Sequence<DeliveryReference>) -> Bool {
    guard !entries.isEmpty else { return false }
    for delivery in deliveries where entries[delivery.receipt].map({ $0.due == nil }) ?? false {
      entries[delivery.receipt] = nil
    }
    return endReport()
  }

  /// Forgets what holds a delivery that is gone. Answers the rest of it.
  mutating func removeAll(where isGone: (DeliveryReference) -> Bool) -> [Delivery] {
    guard !entries.isEmpty else { return [] }
    let gone = entries.filter { $0.value.outcome.deliveries.contains(where: isGone) }
    entries = entries.filter { gone[$0.key] == nil }
    _ = endReport()
    return gone.values.filter { $0.due != nil }.sorted { $0.number < $1.number }.flatMap { entry in
      entry.outcome.deliveries.filter { !isGone($0) }.map(\.value)
    }
  }

  private mutating func endReport() -> Bool {
    guard entries.isEmpty, reported != nil else { return false }
    reported = nil
    return true
  }
}

extension RefusedSettlements.Outcome {
  /// Whether the function succeeded.
  var isComplete: Bool { settlements.allSatisfy { if case .complete = $0 { true } else { false } } }
  /// Whether it only gives back.
  var isRelease: Bool { settlements.allSatisfy { if case .release = $0 { true } else { false } } }

  fileprivate func comesBack(now: MonotonicTime) -> MonotonicTime? {
    guard settlements.count == 1, case .retry(_, let delay) = settlements[0] else { return nil }
    return now + delay
  }

  /// The same, with what is left of the delay.
  fileprivate func delayed(until time: MonotonicTime?, now: MonotonicTime) -> Self {
    guard let time, case .retry(let delivery, _) = settlements[0] else { return self }
    return Self(deliveries: deliveries, settlements: [.retry(delivery, after: time.remaining(from: now))], ids: ids)
  }
}
