/// How many messages may be held where the broker takes back what is not settled in time: as many as start within a
/// quarter of that time, at the pace of the function. The rest of it is for the run.
struct TurnLimit: Sendable {
  private let quarter: UInt64
  /// Messages that run side by side.
  private let atOnce: Int
  /// How long a run takes: a moving average over about eight, in nanoseconds; zero is not known.
  private var averageRun: UInt64 = 0

  init(settlementTimeout: Duration, atOnce: Int) {
    quarter = UInt64(min(max(1, settlementTimeout / .nanoseconds(4)), 1e18))
    self.atOnce = atOnce
  }

  /// A run has ended.
  mutating func ran(_ nanoseconds: UInt64) {
    averageRun = averageRun == 0 ? max(1, nanoseconds) : averageRun - averageRun / 8 + nanoseconds / 8
  }

  /// How many may be held in all. Before the pace is known: what can run at once.
  var held: Int { averageRun == 0 ? atOnce : min(65_535, atOnce + waiting(behind: 0)) }

  /// How many may wait behind running ones.
  /// - Parameter age: how long every worker has been busy; longer than the average says more than that.
  func waiting(behind age: UInt64) -> Int {
    let run = max(averageRun, age)
    guard run > 0 else { return 65_535 }
    return Int(min(quarter / run, 65_535)) * atOnce
  }
}
