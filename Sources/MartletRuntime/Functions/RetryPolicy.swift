/// How often and when a failed message is tried again. Waiting messages hold no worker.
///
/// Names and meaning are those of Azure Functions' `retry`; `immediateRetryCount` is ours.
public struct RetryPolicy: Sendable, Hashable {
  enum Strategy: Sendable, Hashable {
    case fixedDelay(Duration)
    case exponentialBackoff(minimum: Duration, maximum: Duration)
  }

  /// Tries after the first; -1 is without end.
  public let maxRetryCount: Int
  /// How many of them come at once, before the first wait.
  public let immediateRetryCount: Int
  let strategy: Strategy

  /// 1 s
  public static let defaultMinimum = Duration.seconds(1)
  /// 5 min
  public static let defaultMaximum = Duration.seconds(300)

  /// The same wait before every retry.
  /// - Parameters:
  ///   - maxRetryCount: tries after the first: 0 or more, or -1 for no end.
  ///   - delayInterval: 0 to 30 days.
  ///   - immediateRetryCount: how many come at once, before the first wait. Default 0.
  public static func fixedDelay(
    maxRetryCount: Int, delayInterval: Duration, immediateRetryCount: Int = 0
  ) -> RetryPolicy {
    RetryPolicy(
      maxRetryCount: maxRetryCount, immediateRetryCount: immediateRetryCount, strategy: .fixedDelay(delayInterval))
  }

  /// Waits that grow as Azure's do: the minimum, then the minimum × (1 + r × 2ⁿ) with n from 0 and r from 0.8 to 1.2,
  /// up to the maximum.
  /// - Parameters:
  ///   - maxRetryCount: tries after the first: 0 or more, or -1 for no end.
  ///   - minimumInterval: more than 0. Default 1 s.
  ///   - maximumInterval: the minimum to 30 days. Default 5 min.
  ///   - immediateRetryCount: how many come at once, before the first wait. Default 0.
  public static func exponentialBackoff(
    maxRetryCount: Int, minimumInterval: Duration = defaultMinimum, maximumInterval: Duration = defaultMaximum,
    immediateRetryCount: Int = 0
  ) -> RetryPolicy {
    RetryPolicy(
      maxRetryCount: maxRetryCount, immediateRetryCount: immediateRetryCount,
      strategy: .exponentialBackoff(minimum: minimumInterval, maximum: maximumInterval))
  }

  /// The wait after the attempt of that number (from 1) failed.
  func delay(afterAttempt attempt: Int) -> Duration {
    let step = attempt - immediateRetryCount
    guard step > 0 else { return .zero }
    switch strategy {
    case .fixedDelay(let delay): return delay
    case .exponentialBackoff(let minimum, let maximum):
      guard step > 1 else { return min(minimum, maximum) }
      let factor = Double(sign: .plus, exponent: min(step - 2, 60), significand: 1) * Double.random(in: 0.8..<1.2)
      let seconds = minimum / .seconds(1) * (1 + factor)
      return seconds >= maximum / .seconds(1) ? maximum : .seconds(seconds)
    }
  }

  /// Every value that is out of range, as sentences.
  var problems: [String] {
    var problems: [String] = []
    let limit = FunctionOptions.Limits.retryInterval.upperBound
    func check(_ name: String, _ value: Duration, least: Duration, _ range: String) {
      guard value < least || value > limit else { return }
      problems.append("\(name) is \(DurationText.format(value)); it must be \(range) to \(DurationText.format(limit))")
    }
    if maxRetryCount < -1 { problems.append("maxRetryCount is \(maxRetryCount); it must be -1 (no end) or more") }
    if immediateRetryCount < 0 {
      problems.append("immediateRetryCount is \(immediateRetryCount); it must be 0 or more")
    }
    switch strategy {
    case .fixedDelay(let delay): check("delayInterval", delay, least: .zero, "00:00:00")
    case .exponentialBackoff(let minimum, let maximum):
      check("minimumInterval", minimum, least: .nanoseconds(1), "more than 0, up")
      check("maximumInterval", maximum, least: minimum, "minimumInterval (\(DurationText.format(minimum)))")
    }
    return problems
  }
}
