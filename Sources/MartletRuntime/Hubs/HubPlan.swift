import MartletCore

/// A function of events with everything decided: its options, and what a failure leads to. No I/O.
final class HubPlan: Sendable {
  let base: FunctionPlan
  let binding: EventBinding
  /// The hub.
  let address: Address
  let group: ConsumerGroup
  let most: Int
  let least: Int
  let maxWait: Duration
  let waitNanoseconds: UInt64
  let checkpointFrequency: Int
  let prefetch: Int
  /// What a quick function's prefetch may grow to, where the user has not said what it is. Not with lanes: what is read
  /// ahead must not run ahead, or nobody would know how far an owner that died can have come.
  let mostPrefetch: Int
  let lanes: Int
  /// Events above the last checkpoint that was written: `maxOutstanding`, and the batches that are held for one commit.
  let capacity: Int
  let initialOffset: InitialOffset
  let expiration: Duration
  let updateInterval: Duration
  let handOverTimeout: Duration
  let batchFailure: BatchFailure
  let onRetentionGap: RetentionGapPolicy
  let deduplicate: Duration?
  /// How many keys' values a partition keeps in memory.
  let mostValues: Int
  private let policy: RetryPolicy
  private let last: EventFailure.Last
  private let invocations = Locked<UInt64>(0)
  /// The trouble so far, over all partitions.
  let counts = Locked(EventCounts())

  init(
    base: FunctionPlan, binding: EventBinding, options: FunctionOptions, app: String,
    mostValues: Int = KeyedValues.usualMost
  ) {
    self.base = base
    self.mostValues = mostValues
    self.binding = binding
    let own = options.events
    address = base.function.trigger
    group = ConsumerGroup(hub: address.name, name: binding.group ?? app)
    most = own.maxEventBatchSize ?? EventHubOptions.defaultBatchSize
    least = binding.isSingle ? 1 : min(own.minEventBatchSize ?? 1, most)
    maxWait = own.maxWaitTime ?? .seconds(60)
    waitNanoseconds = UInt64(max(0, maxWait / .nanoseconds(1)))
    checkpointFrequency = own.batchCheckpointFrequency ?? 1
    prefetch = max(own.prefetchCount ?? EventHubOptions.defaultPrefetchCount, least)
    lanes = own.lanes ?? 1
    let isFixed = own.prefetchCount != nil || own.maxOutstanding != nil || lanes > 1 || checkpointFrequency > 1
    mostPrefetch = isFixed ? prefetch : 4 * prefetch
    capacity = max(own.maxOutstanding ?? 4 * most, prefetch) + (checkpointFrequency - 1) * most
    initialOffset = own.initialOffset ?? .fromStart
    expiration = own.partitionOwnershipExpirationInterval ?? EventHubOptions.defaultExpiration
    updateInterval = min(own.loadBalancingUpdateInterval ?? EventHubOptions.defaultUpdateInterval, expiration / 3)
    handOverTimeout = own.handOverTimeout ?? .seconds(10)
    batchFailure = own.batchFailure ?? .bisect
    onRetentionGap = own.onRetentionGap ?? .skip
    deduplicate = own.deduplicate
    policy = options.retry ?? EventFailure.defaultPolicy
    last = own.onFailure ?? .deadLetter
  }

  /// The number of the next invocation of this process.
  func nextInvocation() -> UInt64 {
    invocations.withLock { number in
      number += 1
      return number
    }
  }

  /// How many attempts an event has; nil is without end.
  var maxAttempts: Int? { policy.maxRetryCount < 0 ? nil : policy.maxRetryCount + 1 }

  /// Commits of a partition may be put together: then a checkpoint is not one batch.
  var mergesCommits: Bool { binding.isSingle || lanes > 1 }

  /// What a failed attempt leads to.
  enum Decision: Sendable {
    case retry(after: Duration)
    /// It is tried for ever.
    case block(after: Duration)
    case deadLetter(DeadLetterReason)
    case skip
  }

  func decision(on event: EventReference, of partition: Int, after error: any Error) -> Decision {
    switch error {
    case let undecodable as Undecodable:
      return .deadLetter(reason(.undecodable, event, partition, error: undecodable.underlying))
    case Outcome.deadLetter(let text):
      return .deadLetter(reason(.rejected, event, partition, type: "Outcome", text: text))
    default:
      if let maxAttempts, event.attempt >= maxAttempts {
        switch last {
        case .deadLetter: return .deadLetter(reason(.attemptsExhausted, event, partition, error: error))
        case .skip: return .skip
        case .block: return .block(after: delay(afterAttempt: event.attempt, error))
        }
      }
      return .retry(after: delay(afterAttempt: event.attempt, error))
    }
  }

  /// What happens to an event whose owners died each time they ran it, instead of one more run; nil lets it run. Two
  /// runs are always allowed, since the first of a process that died may not have begun.
  func refusal(ofSuspect event: EventReference, of partition: Int) -> Decision? {
    guard let maxAttempts, event.attempt > max(maxAttempts, 2) else { return nil }
    let spent = event.attempt - 1
    switch last {
    case .block: return nil
    case .skip: return .skip
    case .deadLetter:
      return .deadLetter(
        reason(
          .attemptsExhausted, event, partition, type: "ProcessDied",
          text: "the process that ran it died, or lost the partition, in \(spent) attempts", attempts: spent))
    }
  }

  /// An event as its group's dead letter.
  func deadLetter(_ event: EventReference, _ reason: DeadLetterReason) -> OutgoingMessage {
    let message = event.value.message
    var headers = message.headers
    for header in reason.headers { headers[header.name] = header.value }
    return OutgoingMessage(
      to: .deadLetters(of: group.description, connection: address.connection), body: message.body, id: message.id,
      contentType: message.contentType, key: message.key, headers: headers, trace: message.trace)
  }

  private func delay(afterAttempt attempt: Int, _ error: any Error) -> Duration {
    if case Outcome.retry(.some(let delay)) = error { return max(delay, .zero) }
    return policy.delay(afterAttempt: attempt)
  }

  private func reason(
    _ code: DeadLetterReason.Code, _ event: EventReference, _ partition: Int, error: any Error
  ) -> DeadLetterReason {
    reason(code, event, partition, type: FunctionPlan.typeName(of: error), text: String(describing: error))
  }

  private func reason(
    _ code: DeadLetterReason.Code, _ event: EventReference, _ partition: Int, type: String?, text: String,
    attempts: Int? = nil
  ) -> DeadLetterReason {
    DeadLetterReason(
      code: code, function: base.function.name, errorType: type, errorText: text, attempts: attempts ?? event.attempt,
      source: .hub(group.description, connection: address.connection), partition: partition, offset: event.offset,
      time: base.clock.wall(), traceID: event.value.message.trace?.traceIDText)
  }
}
