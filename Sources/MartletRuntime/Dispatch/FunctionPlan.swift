import Foundation
import MartletCore

/// A function with everything decided: its options, its logger, what a failure leads to. No I/O.
final class FunctionPlan: Sendable {
  let function: Function
  let maxConcurrentCalls: Int
  /// Messages held at first; more when the pace asks for it, unless `prefetchCount` is set.
  let basePrefetch: Int
  let isPrefetchFixed: Bool
  let batch: BatchLimits?
  /// Messages that run at once where all workers are busy.
  var messagesAtOnce: Int { maxConcurrentCalls * (batch?.most ?? 1) }
  /// Whether nobody said how long a run may take.
  let isTimeoutDefault: Bool
  /// nil is for ever.
  let functionTimeout: Duration?
  let timeoutNanoseconds: UInt64?
  let instance: String
  let logger: Logger
  /// For how long ids of messages are remembered; nil where repeats are not dropped.
  let deduplicate: Duration?
  private let maxDequeueCount: Int
  private let visibilityTimeout: Duration
  private let retry: RetryPolicy?

  /// Why a delivery is set aside without a run.
  struct Refusal: Sendable {
    let settlement: Settlement
    let reason: DeadLetterReason
  }

  /// How a batch is cut.
  struct BatchLimits: Sendable {
    let most: Int
    let least: Int
    let wait: Duration
    var waitNanoseconds: UInt64 { UInt64(max(0, wait / .nanoseconds(1))) }
  }

  private let connections: Set<String>
  let clock: HostClock
  /// Tells the broker of a hub how it is made, before events go there.
  private let noting: @Sendable (HubDeclaration, Address) -> Void
  private let noted = Locked<Set<Address>>([])

  init(
    function: Function, options: FunctionOptions, connections: Set<String> = [], instance: String, logger: Logger,
    clock: HostClock = .system, noting: @escaping @Sendable (HubDeclaration, Address) -> Void = { _, _ in }
  ) {
    self.clock = clock
    self.noting = noting
    self.function = function
    self.connections = connections
    self.instance = instance
    self.logger = logger.with(LogField("function", function.name))
    let cores = ProcessInfo.processInfo.activeProcessorCount
    switch function.body {
    case .direct, .one:
      batch = nil
      maxConcurrentCalls = options.maxConcurrentCalls ?? 16 * cores
    case .events:
      batch = nil
      maxConcurrentCalls = options.maxConcurrentCalls ?? 16 * cores
    case .many:
      let most = options.maxMessageBatchSize ?? FunctionOptions.defaultBatchSize
      batch = BatchLimits(
        most: most, least: min(options.minMessageBatchSize ?? 1, most), wait: options.maxBatchWaitTime ?? .seconds(30))
      maxConcurrentCalls = options.maxConcurrentCalls ?? 1
    }
    let needed = maxConcurrentCalls * (batch?.least ?? 1)
    isPrefetchFixed = options.prefetchCount != nil
    basePrefetch = min(65_535, max(options.prefetchCount ?? 2 * maxConcurrentCalls * (batch?.most ?? 1), needed))
    isTimeoutDefault = options.functionTimeout == nil
    functionTimeout =
      switch options.functionTimeout ?? .seconds(1800) {
      case .seconds(-1): nil
      case let timeout: timeout
      }
    timeoutNanoseconds = functionTimeout.map { UInt64(max(0, $0 / .nanoseconds(1))) }
    maxDequeueCount = options.maxDequeueCount ?? 5
    visibilityTimeout = options.visibilityTimeout ?? .zero
    retry = options.retry
    deduplicate = options.deduplicate
  }

  /// How many attempts a message has; nil is without end.
  var maxAttempts: Int? {
    guard let retry else { return maxDequeueCount }
    return retry.maxRetryCount < 0 ? nil : retry.maxRetryCount + 1
  }

  /// Why nothing can be sent there; nil where it can. Bindings are checked at the start, `context.send` only here.
  func problem(withOutput address: Address) -> String? { address.problem(sendingOver: connections) }

  /// A function sends events to a hub by hand.
  /// - Throws: `InvalidOutput` for a hub that cannot be.
  func note(_ hub: HubDeclaration, at address: Address) throws {
    let counts = 1...HubDeclaration.maxPartitionCount
    if let count = hub.partitionCount, !counts.contains(count) {
      throw InvalidOutput(
        problem: "cannot send to \(address): partitions is \(count); it must be 1 to \(counts.upperBound)")
    }
    if noted.withLock({ $0.insert(address).inserted }) { noting(hub, address) }
  }

  /// What happens to a delivery instead of a run; nil lets it run.
  func refusal(of delivery: Delivery) -> Refusal? {
    let reason: DeadLetterReason
    if let expiresAt = delivery.message.expiresAt, expiresAt <= clock.wall() {
      reason = self.reason(
        .expired, for: delivery, type: nil, text: "its time to live ended at \(expiresAt.ISO8601Format())",
        attempts: delivery.attempt - 1)
    } else if let maxAttempts, delivery.attempt > max(maxAttempts, 2) {
      // One attempt too many: its processes died, or the limit was higher once. Two are always allowed, since the first
      // of a process that died may not have begun.
      let spent = delivery.attempt - 1
      reason = self.reason(
        .attemptsExhausted, for: delivery, type: delivery.isSuspect ? "ProcessDied" : nil,
        text: delivery.isSuspect
          ? "the process that ran it died, or lost the queue, in \(spent) attempts"
          : "\(spent) attempts were made; \(maxAttempts) are allowed",
        attempts: spent)
    } else {
      return nil
    }
    return Refusal(settlement: .deadLetter(delivery, reason), reason: reason)
  }

  /// What a failed attempt leads to.
  func settlement(of delivery: Delivery, after error: any Error) -> Settlement {
    switch error {
    case let undecodable as Undecodable:
      return .deadLetter(delivery, reason(.undecodable, for: delivery, error: undecodable.underlying))
    case Outcome.deadLetter(let text):
      return .deadLetter(delivery, reason(.rejected, for: delivery, type: "Outcome", text: text))
    default:
      if let maxAttempts, delivery.attempt >= maxAttempts {
        return .deadLetter(delivery, reason(.attemptsExhausted, for: delivery, error: error))
      }
      if case Outcome.retry(.some(let delay)) = error { return .retry(delivery, after: max(delay, .zero)) }
      return .retry(delivery, after: retry?.delay(afterAttempt: delivery.attempt) ?? visibilityTimeout)
    }
  }

  /// Whether a cancelled function may have thrown this because it was cancelled. Other errors are about the message.
  func canComeFromCancellation(_ error: any Error) -> Bool {
    !(error is Outcome || error is Undecodable || error is FunctionTimeout)
  }

  private func reason(_ code: DeadLetterReason.Code, for delivery: Delivery, error: any Error) -> DeadLetterReason {
    reason(code, for: delivery, type: Self.typeName(of: error), text: String(describing: error))
  }

  /// The name with its module. Swift writes an address into the names of private types: two processes would differ.
  static func typeName(of error: any Error) -> String {
    String(reflecting: type(of: error)).replacing(#/\(unknown context at \$[0-9a-f]+\)\./#, with: "")
  }

  private func reason(
    _ code: DeadLetterReason.Code, for delivery: Delivery, type: String?, text: String, attempts: Int? = nil
  ) -> DeadLetterReason {
    DeadLetterReason(
      code: code, function: function.name, errorType: type, errorText: text, attempts: attempts ?? delivery.attempt,
      source: function.trigger, traceID: delivery.message.trace?.traceIDText)
  }
}
