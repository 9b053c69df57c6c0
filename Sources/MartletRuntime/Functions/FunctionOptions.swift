/// What can be set per function, in code or in `host.json`, under Azure's names. Nil is "not set here".
public struct FunctionOptions: Sendable, Hashable {
  /// Invocations side by side in one process, 1 to 10 000. Default: 16 × cores; 1 for batches.
  public var maxConcurrentCalls: Int?
  /// Messages held, running ones included, 1 to 65 535. Default: follows the pace, from twice the concurrency up.
  public var prefetchCount: Int?
  /// Attempts before the dead letters where no `retry` is given, 1 to 1 000 000. Default 5.
  public var maxDequeueCount: Int?
  /// The wait before a failed message comes back where no `retry` is given, 0 to 7 days. Default 0.
  public var visibilityTimeout: Duration?
  /// The most messages of a batch, 1 to 10 000. Default 1 000.
  public var maxMessageBatchSize: Int?
  /// A batch waits for so many, 1 to `maxMessageBatchSize`. Default 1.
  public var minMessageBatchSize: Int?
  /// How long a batch waits for `minMessageBatchSize`, 0 to 2.5 min. Default 30 s.
  public var maxBatchWaitTime: Duration?
  /// How long one invocation may take, 1 ms to 365 days; `.seconds(-1)` is for ever. Default 30 min.
  public var functionTimeout: Duration?
  /// What follows a failure. Default: `maxDequeueCount` and `visibilityTimeout` decide.
  public var retry: RetryPolicy?
  /// For how long after a message came to its end others of its id are dropped, 1 s to 7 days. Default: nothing is
  /// dropped. Of queues; that of hubs is among `events`.
  public var deduplicate: Duration?
  /// What an event hub trigger has of its own.
  public var events: EventHubOptions

  public init(
    maxConcurrentCalls: Int? = nil, prefetchCount: Int? = nil, maxDequeueCount: Int? = nil,
    visibilityTimeout: Duration? = nil, maxMessageBatchSize: Int? = nil, minMessageBatchSize: Int? = nil,
    maxBatchWaitTime: Duration? = nil, functionTimeout: Duration? = nil, retry: RetryPolicy? = nil,
    deduplicate: Duration? = nil, events: EventHubOptions = EventHubOptions()
  ) {
    self.maxConcurrentCalls = maxConcurrentCalls
    self.prefetchCount = prefetchCount
    self.maxDequeueCount = maxDequeueCount
    self.visibilityTimeout = visibilityTimeout
    self.maxMessageBatchSize = maxMessageBatchSize
    self.minMessageBatchSize = minMessageBatchSize
    self.maxBatchWaitTime = maxBatchWaitTime
    self.functionTimeout = functionTimeout
    self.retry = retry
    self.deduplicate = deduplicate
    self.events = events
  }

  /// These options, and those of `defaults` where nothing is set.
  public func merged(over defaults: FunctionOptions) -> FunctionOptions {
    FunctionOptions(
      maxConcurrentCalls: maxConcurrentCalls ?? defaults.maxConcurrentCalls,
      prefetchCount: prefetchCount ?? defaults.prefetchCount,
      maxDequeueCount: maxDequeueCount ?? defaults.maxDequeueCount,
      visibilityTimeout: visibilityTimeout ?? defaults.visibilityTimeout,
      maxMessageBatchSize: maxMessageBatchSize ?? defaults.maxMessageBatchSize,
      minMessageBatchSize: minMessageBatchSize ?? defaults.minMessageBatchSize,
      maxBatchWaitTime: maxBatchWaitTime ?? defaults.maxBatchWaitTime,
      functionTimeout: functionTimeout ?? defaults.functionTimeout, retry: retry ?? defaults.retry,
      deduplicate: deduplicate ?? defaults.deduplicate, events: events.merged(over: defaults.events))
  }
}
