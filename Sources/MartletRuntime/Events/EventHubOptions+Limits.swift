extension EventHubOptions {
  /// What each option may be; the same in code and in the configuration.
  enum Limits {
    static let maxEventBatchSize = 1...10_000
    static let maxWaitTime = Duration.zero ... .seconds(600)
    static let batchCheckpointFrequency = 1...10_000
    static let prefetchCount = 1...65_535
    static let expiration = Duration.seconds(1) ... .seconds(600)
    static let updateInterval = Duration.milliseconds(50) ... .seconds(200)
    static let handOverTimeout = Duration.seconds(1) ... .seconds(3600)
    static let lanes = 1...1024
    static let maxOutstanding = 1...1_000_000
    static let deduplicate = Duration.seconds(1) ... .seconds(7 * 86_400)
  }

  static let defaultBatchSize = 100
  static let defaultPrefetchCount = 300
  /// So that a dead member is noticed, with the look after it, and its partitions are at work again within ten seconds.
  static let defaultExpiration = Duration.seconds(8)
  static let defaultUpdateInterval = Duration.seconds(1)

  /// Every value that is out of range, as sentences that name the option, the value and the range.
  var problems: [String] {
    var problems: [String] = []
    func check(_ name: String, _ value: Int?, _ range: ClosedRange<Int>) {
      guard let value, !range.contains(value) else { return }
      problems.append("\(name) is \(value); it must be \(range.lowerBound) to \(range.upperBound)")
    }
    func check(_ name: String, _ value: Duration?, _ range: ClosedRange<Duration>) {
      guard let value, !range.contains(value) else { return }
      let bounds = "\(DurationText.format(range.lowerBound)) to \(DurationText.format(range.upperBound))"
      problems.append("\(name) is \(DurationText.format(value)); it must be \(bounds)")
    }
    check("maxEventBatchSize", maxEventBatchSize, Limits.maxEventBatchSize)
    check("minEventBatchSize", minEventBatchSize, 1...max(maxEventBatchSize ?? Self.defaultBatchSize, 1))
    check("maxWaitTime", maxWaitTime, Limits.maxWaitTime)
    check("batchCheckpointFrequency", batchCheckpointFrequency, Limits.batchCheckpointFrequency)
    check("prefetchCount", prefetchCount, Limits.prefetchCount)
    check("partitionOwnershipExpirationInterval", partitionOwnershipExpirationInterval, Limits.expiration)
    let longest = (partitionOwnershipExpirationInterval ?? Self.defaultExpiration) / 3
    let shortest = Limits.updateInterval.lowerBound
    check("loadBalancingUpdateInterval", loadBalancingUpdateInterval, shortest...max(longest, shortest))
    check("handOverTimeout", handOverTimeout, Limits.handOverTimeout)
    check("lanes", lanes, Limits.lanes)
    check("deduplicate", deduplicate, Limits.deduplicate)
    let least = min(prefetchCount ?? Self.defaultPrefetchCount, Limits.maxOutstanding.upperBound)
    check("maxOutstanding", maxOutstanding, max(least, 1)...Limits.maxOutstanding.upperBound)
    return problems
  }
}
