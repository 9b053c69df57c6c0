import Testing

@testable import MartletRuntime

struct RetryPolicyTests {
  @Test func `a fixed delay is the same each time`() {
    let policy = RetryPolicy.fixedDelay(maxRetryCount: 3, delayInterval: .seconds(5))
    #expect((1...10).map { policy.delay(afterAttempt: $0) } == Array(repeating: .seconds(5), count: 10))
  }

  @Test func `immediate tries come first, then the strategy begins`() {
    let fixed = RetryPolicy.fixedDelay(maxRetryCount: 5, delayInterval: .seconds(5), immediateRetryCount: 2)
    #expect((1...4).map { fixed.delay(afterAttempt: $0) } == [.zero, .zero, .seconds(5), .seconds(5)])
    let exponential = RetryPolicy.exponentialBackoff(
      maxRetryCount: 5, minimumInterval: .seconds(1), maximumInterval: .seconds(60), immediateRetryCount: 1)
    #expect(exponential.delay(afterAttempt: 1) == .zero)
    #expect(exponential.delay(afterAttempt: 2) == .seconds(1))
    #expect(exponential.delay(afterAttempt: 3) > .seconds(1))
  }

  /// Azure's `RandomizedExponentialBackoffStrategy`: min, then min + r·2ⁿ⁻²·min with r in [0.8, 1.2), then max.
  @Test(arguments: 1...12)
  func `exponential delays stay within Azure's bounds`(attempt: Int) {
    let (minimum, maximum) = (2.0, 1000.0)
    let policy = RetryPolicy.exponentialBackoff(
      maxRetryCount: -1, minimumInterval: .seconds(minimum), maximumInterval: .seconds(maximum))
    var seen: Set<Duration> = []
    for _ in 0..<200 {
      let seconds = policy.delay(afterAttempt: attempt) / .seconds(1)
      seen.insert(.seconds(seconds))
      guard attempt > 1 else {
        #expect(seconds == minimum)
        continue
      }
      var step = minimum
      for _ in 0..<attempt - 2 { step *= 2 }
      #expect(seconds >= min(maximum, minimum + 0.8 * step) - 1e-9)
      #expect(seconds <= min(maximum, minimum + 1.2 * step))
    }
    #expect(seen.count > 1 || attempt == 1 || attempt > 10, "delays are spread")
  }

  @Test(arguments: [50, 63, 64, 1000, Int.max])
  func `never more than the maximum, however often`(attempt: Int) {
    let policy = RetryPolicy.exponentialBackoff(maxRetryCount: -1)
    #expect(policy.delay(afterAttempt: attempt) == .seconds(300))
  }

  @Test func `a minimum that is the maximum`() {
    let policy = RetryPolicy.exponentialBackoff(
      maxRetryCount: 3, minimumInterval: .seconds(7), maximumInterval: .seconds(7))
    #expect((1...5).map { policy.delay(afterAttempt: $0) } == Array(repeating: .seconds(7), count: 5))
    #expect(policy.problems.isEmpty)
  }
}
