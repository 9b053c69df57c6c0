import MartletCore

/// The in-order path of some keys of a partition: what waits in it, what runs, and how batches are cut after a failure.
struct Lane: Sendable {
  /// Numbers of entries, growing.
  private(set) var waiting: [Int] = []
  /// The run that has its events now.
  var run: Int?
  /// Until when a failed event waits for its next attempt.
  var parkedUntil: MonotonicTime?
  /// Since when a batch waits to be filled.
  private var since = MonotonicTime(nanoseconds: 0)
  /// The size of batches while an event that fails is searched for,
  private var limit: Int?
  /// which is this one at the latest.
  private var limitThrough = 0
  /// The batch that failed and comes again as it was.
  private var repeating: Int?
  /// What a blocked event was last said to fail of.
  var blockedBy: String?

  mutating func append(_ number: Int, now: MonotonicTime) {
    if waiting.isEmpty { since = now }
    waiting.append(number)
  }

  /// Puts back what was taken, in its place.
  mutating func putBack(_ numbers: [Int]) {
    guard !numbers.isEmpty else { return }
    waiting = (numbers + waiting).sorted()
  }

  mutating func remove(_ number: Int) { waiting.removeAll { $0 == number } }
  mutating func removeAll() { waiting = [] }

  func isParked(at now: MonotonicTime) -> Bool { parkedUntil.map { $0 > now } ?? false }

  /// Whether a run can start.
  func isReady(least: Int, wait: UInt64, now: MonotonicTime) -> Bool {
    guard run == nil, !waiting.isEmpty, !isParked(at: now) else { return false }
    return waiting.count >= least || limit != nil || repeating != nil || now.nanoseconds(since: since) >= wait
  }

  mutating func take(most: Int, now: MonotonicTime) -> [Int] {
    let count = min(waiting.count, repeating ?? min(limit ?? most, most))
    let taken = Array(waiting.prefix(count))
    waiting.removeFirst(count)
    since = now
    parkedUntil = nil
    return taken
  }

  // MARK: After a failure

  /// A batch failed that is to be searched: the next ones are half as long, up to its last event.
  mutating func bisect(_ batch: [Int]) {
    limit = max(1, batch.count / 2)
    limitThrough = batch.last ?? 0
    repeating = nil
  }

  /// A batch failed that comes again as it is.
  mutating func keep(_ batch: [Int]) { repeating = batch.count }

  /// A run has come to its end: of the batch that failed, the rest is searched, half by half.
  mutating func passed() {
    repeating = nil
    blockedBy = nil
    guard limit != nil else { return }
    let rest = waiting.count { $0 <= limitThrough }
    limit = rest == 0 ? nil : (rest + 1) / 2
  }

  /// Waits before its next run.
  mutating func park(until time: MonotonicTime?) { parkedUntil = time }
}
