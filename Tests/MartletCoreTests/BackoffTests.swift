import MartletCore
import Testing

@Suite struct BackoffTests {
  @Test func `waits double up to the longest, each with jitter between half and all of it`() {
    var steps: [Set<Duration>] = Array(repeating: [], count: 6)
    for _ in 0..<50 {
      var backoff = Backoff(first: .milliseconds(100), longest: .seconds(1))
      for (number, most) in [100, 200, 400, 800, 1000, 1000].enumerated() {
        let wait = backoff.next()
        #expect(wait >= .milliseconds(most) / 2 && wait <= .milliseconds(most))
        steps[number].insert(wait)
      }
      backoff.reset()
      #expect(backoff.next() <= .milliseconds(100))
    }
    // Processes that lost their broker together do not come back together.
    #expect(steps.allSatisfy { $0.count > 40 })
  }
}
