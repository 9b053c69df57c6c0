import MartletCore

/// Deliveries that wait for a worker, in order, in the batches in which they came.
struct ReadyQueue: Sendable {
  private var batches: [(deliveries: [Delivery], next: Int)] = []
  private var first = 0
  private(set) var count = 0
  /// Since when something waits: what `maxBatchWaitTime` counts from.
  private var waitingSince = MonotonicTime(nanoseconds: 0)
  /// Whether a suspect may be among them. The broker gives no other before this one has its outcome, so a batch that
  /// waited for more would wait in vain.
  private var hasSuspect = false

  var isEmpty: Bool { count == 0 }

  mutating func append(_ deliveries: [Delivery], now: MonotonicTime) {
    guard !deliveries.isEmpty else { return }
    if isEmpty { waitingSince = now }
    batches.append((deliveries, 0))
    count += deliveries.count
    if !hasSuspect { hasSuspect = deliveries.contains(where: \.isSuspect) }
  }

  /// Whether an invocation can start: any message, or enough for a batch, or a batch that has waited long enough.
  func hasWork(for batch: FunctionPlan.BatchLimits?, now: MonotonicTime) -> Bool {
    guard let batch else { return !isEmpty }
    return count >= batch.least
      || (!isEmpty && (hasSuspect || now.nanoseconds(since: waitingSince) >= batch.waitNanoseconds))
  }

  mutating func take(for batch: FunctionPlan.BatchLimits?, now: MonotonicTime) -> FunctionWork? {
    guard hasWork(for: batch, now: now) else { return nil }
    guard let batch else { return .one(next()) }
    defer {
      waitingSince = now
      if isEmpty { hasSuspect = false }
    }
    return .many((0..<min(count, batch.most)).map { _ in next() })
  }

  private mutating func next() -> DeliveryReference {
    let (deliveries, position) = batches[first]
    let delivery = DeliveryReference(deliveries, at: position)
    count -= 1
    batches[first].next = position + 1
    if position + 1 == deliveries.count {
      batches[first] = ([], 0)
      first += 1
      if first == batches.count || first >= 64 {
        batches.removeFirst(first)
        first = 0
      }
    }
    return delivery
  }

  mutating func removeAll(where isGone: (Delivery) -> Bool) {
    let kept = takeAll().filter { !isGone($0) }
    if !kept.isEmpty { batches = [(kept, 0)] }
    count = kept.count
    hasSuspect = kept.contains(where: \.isSuspect)
  }

  mutating func takeAll() -> [Delivery] {
    defer {
      batches = []
      first = 0
      count = 0
      hasSuspect = false
    }
    return batches[first...].flatMap { $0.deliveries[$0.next...] }
  }
}
