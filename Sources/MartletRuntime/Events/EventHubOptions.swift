public import MartletCore

/// What can be set of an event hub trigger, in code or in `host.json`, under Azure's names. Nil is "not set here".
public struct EventHubOptions: Sendable, Hashable {
  /// The most events of a batch, 1 to 10 000. Default 100.
  public var maxEventBatchSize: Int?
  /// A batch waits for so many, 1 to `maxEventBatchSize`. Default 1.
  public var minEventBatchSize: Int?
  /// How long a batch waits for `minEventBatchSize`, and held outputs for their checkpoint, 0 to 10 min. Default 60 s.
  public var maxWaitTime: Duration?
  /// One checkpoint, with the outputs, for so many batches of a partition, 1 to 10 000. Default 1.
  public var batchCheckpointFrequency: Int?
  /// Events of a partition that are fetched and wait, 1 to 65 535. Default 300; up to four times that, by its
  /// pace, for a quick function without `lanes`, `maxOutstanding` and `batchCheckpointFrequency`.
  public var prefetchCount: Int?
  /// Where a group begins that has no checkpoint. Default `fromStart`.
  public var initialOffset: InitialOffset?
  /// A member that was silent for so long is dead, 1 s to 10 min. It is noticed at the next look. Default 8 s.
  public var partitionOwnershipExpirationInterval: Duration?
  /// How often a member says that it lives, and looks who owns what, 50 ms to a third of the expiration. Default 1 s.
  public var loadBalancingUpdateInterval: Duration?
  /// How long a member waits for its share before it takes a partition by force, 1 s to 1 h. Default 10 s.
  public var handOverTimeout: Duration?
  /// Paths of a partition that run side by side, each in order, 1 to 1 024. A key is always in the same. Default 1.
  public var lanes: Int?
  /// Events above the checkpoint that a partition takes in, `prefetchCount` to 1 000 000. Those of the batches that are
  /// held for one checkpoint, `batchCheckpointFrequency` - 1 of `maxEventBatchSize` each, come on top. Default: four
  /// batches, and no fewer than `prefetchCount`.
  public var maxOutstanding: Int?
  /// What follows the last attempt. Default `deadLetter`.
  public var onFailure: EventFailure.Last?
  /// What follows when a batch fails as a whole. Default `bisect`.
  public var batchFailure: BatchFailure?
  /// What follows when events are missing. Default `skip`.
  public var onRetentionGap: RetentionGapPolicy?
  /// For how long after an event succeeded others of its id are dropped, 1 s to 7 days. Default: nothing is dropped.
  public var deduplicate: Duration?

  public init(
    maxEventBatchSize: Int? = nil, minEventBatchSize: Int? = nil, maxWaitTime: Duration? = nil,
    batchCheckpointFrequency: Int? = nil, prefetchCount: Int? = nil, initialOffset: InitialOffset? = nil,
    partitionOwnershipExpirationInterval: Duration? = nil, loadBalancingUpdateInterval: Duration? = nil,
    handOverTimeout: Duration? = nil, lanes: Int? = nil, maxOutstanding: Int? = nil,
    onFailure: EventFailure.Last? = nil, batchFailure: BatchFailure? = nil, onRetentionGap: RetentionGapPolicy? = nil,
    deduplicate: Duration? = nil
  ) {
    self.maxEventBatchSize = maxEventBatchSize
    self.minEventBatchSize = minEventBatchSize
    self.maxWaitTime = maxWaitTime
    self.batchCheckpointFrequency = batchCheckpointFrequency
    self.prefetchCount = prefetchCount
    self.initialOffset = initialOffset
    self.partitionOwnershipExpirationInterval = partitionOwnershipExpirationInterval
    self.loadBalancingUpdateInterval = loadBalancingUpdateInterval
    self.handOverTimeout = handOverTimeout
    self.lanes = lanes
    self.maxOutstanding = maxOutstanding
    self.onFailure = onFailure
    self.batchFailure = batchFailure
    self.onRetentionGap = onRetentionGap
    self.deduplicate = deduplicate
  }

  /// These options, and those of `defaults` where nothing is set.
  public func merged(over defaults: EventHubOptions) -> EventHubOptions {
    EventHubOptions(
      maxEventBatchSize: maxEventBatchSize ?? defaults.maxEventBatchSize,
      minEventBatchSize: minEventBatchSize ?? defaults.minEventBatchSize,
      maxWaitTime: maxWaitTime ?? defaults.maxWaitTime,
      batchCheckpointFrequency: batchCheckpointFrequency ?? defaults.batchCheckpointFrequency,
      prefetchCount: prefetchCount ?? defaults.prefetchCount,
      initialOffset: initialOffset ?? defaults.initialOffset,
      partitionOwnershipExpirationInterval: partitionOwnershipExpirationInterval
        ?? defaults.partitionOwnershipExpirationInterval,
      loadBalancingUpdateInterval: loadBalancingUpdateInterval ?? defaults.loadBalancingUpdateInterval,
      handOverTimeout: handOverTimeout ?? defaults.handOverTimeout, lanes: lanes ?? defaults.lanes,
      maxOutstanding: maxOutstanding ?? defaults.maxOutstanding, onFailure: onFailure ?? defaults.onFailure,
      batchFailure: batchFailure ?? defaults.batchFailure, onRetentionGap: onRetentionGap ?? defaults.onRetentionGap,
      deduplicate: deduplicate ?? defaults.deduplicate)
  }
}
