extension FunctionOptions {
  /// What each option may be; the same in code and in the configuration.
  enum Limits {
    static let maxConcurrentCalls = 1...10_000
    static let prefetchCount = 1...65_535
    static let maxDequeueCount = 1...1_000_000
    static let visibilityTimeout = Duration.zero ... .seconds(7 * 86_400)
    static let maxMessageBatchSize = 1...10_000
    static let maxBatchWaitTime = Duration.zero ... .seconds(150)
    /// Or -1 s, which is no limit.
    static let functionTimeout = Duration.milliseconds(1) ... .seconds(365 * 86_400)
    static let deduplicate = EventHubOptions.Limits.deduplicate
    static let retryInterval = Duration.zero ... .seconds(30 * 86_400)
  }

  /// Every value that is out of range, as sentences that name the option, the value and the range.
  public var problems: [String] {
    var problems: [String] = []
    func check(_ name: String, _ value: Int?, _ range: ClosedRange<Int>) {
      guard let value, !range.contains(value) else { return }
      problems.append("\(name) is \(value); it must be \(range.lowerBound) to \(range.upperBound)")
    }
    func check(_ name: String, _ value: Duration?, _ range: ClosedRange<Duration>, _ more: String = "") {
      guard let value, !range.contains(value) else { return }
      let bounds = "\(DurationText.format(range.lowerBound)) to \(DurationText.format(range.upperBound))"
      problems.append("\(name) is \(DurationText.format(value)); it must be \(bounds)\(more)")
    }
    check("maxConcurrentCalls", maxConcurrentCalls, Limits.maxConcurrentCalls)
    check("prefetchCount", prefetchCount, Limits.prefetchCount)
    check("maxDequeueCount", maxDequeueCount, Limits.maxDequeueCount)
    check("visibilityTimeout", visibilityTimeout, Limits.visibilityTimeout)
    check("maxMessageBatchSize", maxMessageBatchSize, Limits.maxMessageBatchSize)
    check("minMessageBatchSize", minMessageBatchSize, 1...max(maxMessageBatchSize ?? Self.defaultBatchSize, 1))
    check("maxBatchWaitTime", maxBatchWaitTime, Limits.maxBatchWaitTime)
    if functionTimeout != .seconds(-1) {
      check("functionTimeout", functionTimeout, Limits.functionTimeout, ", or -1 for no limit")
    }
    check("deduplicate", deduplicate, Limits.deduplicate)
    return problems + events.problems + (retry?.problems.map { "retry: \($0)" } ?? [])
  }

  /// Messages of a batch where nothing else is said.
  static let defaultBatchSize = 1000
}
