/// How many messages to hold: twice the concurrency for slow functions, so that other processes get their share, and
/// what a tenth of a second uses up for quick ones, so that they never wait for the broker. Never more than the limit.
/// A partition of a hub begins with its default prefetch instead.
struct PrefetchPace: Sendable {
  static let most = 2000
  private let most: Int
  private static let interval: UInt64 = 200_000_000
  /// Who uses up several times what it may hold waits for the broker most of the time: it is not left to wait for the
  /// interval, and its pace is taken for a fraction of what it could be.
  private static let (growthInterval, growthTurns, growthFactor): (UInt64, UInt64, Int) = (20_000_000, 4, 4)
  /// Fewer quick ones say nothing of those behind them, which others could run.
  private static let growthLeast: UInt64 = 100

  private let base: Int
  private let isFixed: Bool
  private(set) var current: Int
  private var last: (finished: UInt64, time: MonotonicTime)?
  /// The intake is over: nothing is asked for any more.
  var isStopped = false

  init(base: Int, isFixed: Bool, most: Int = PrefetchPace.most) {
    self.base = base
    self.most = most
    self.isFixed = isFixed
    current = base
  }

  /// What to begin with.
  mutating func begin(limit: Int) -> Int {
    current = min(base, limit)
    return current
  }

  /// The prefetch from now on, if it changes.
  mutating func next(finished: UInt64, limit: Int = .max, now: MonotonicTime) -> Int? {
    guard !isStopped else { return nil }
    if current > limit {
      current = limit
      return limit
    }
    guard let last else {
      last = (finished, now)
      return nil
    }
    let elapsed = now.nanoseconds(since: last.time)
    let turnsOver = finished - last.finished >= max(Self.growthLeast, Self.growthTurns * UInt64(current))
    guard elapsed >= (turnsOver ? Self.growthInterval : Self.interval) else { return nil }
    self.last = (finished, now)
    let perTenth = Int(Double(finished - last.finished) * 100_000_000 / Double(elapsed))
    let pace = turnsOver && elapsed < Self.interval ? perTenth * Self.growthFactor : perTenth
    let wanted = min(limit, isFixed ? base : max(base, min(pace, most)))
    // Only changes by half or more are worth telling the broker.
    guard wanted > current + current / 2 || wanted < current / 2 || (isFixed && wanted > current) else { return nil }
    current = wanted
    return wanted
  }
}
