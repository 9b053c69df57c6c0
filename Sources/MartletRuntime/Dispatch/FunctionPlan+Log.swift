import MartletCore

extension FunctionPlan {
  /// Unique: the process, the function, and the number of its run.
  func invocationID(_ number: UInt64) -> String { "\(instance.prefix(16))-\(function.name)-\(number)" }

  /// The one line that a failure writes.
  func log(_ settlement: Settlement, of delivery: Delivery, because reason: String, _ logger: Logger) {
    var logger = logger
    // Those of an invocation may be about a whole batch.
    logger.fields.removeAll { ["messageID", "attempt", "trace"].contains($0.name) }
    logger.fields.append(LogField("messageID", delivery.message.id))
    logger.fields.append(LogField("attempt", delivery.attempt))
    if let trace = delivery.message.trace { logger.fields.append(LogField("trace", trace.traceIDText)) }
    switch settlement {
    case .complete: break
    case .release: logger.debug("given back, not run to its end: \(reason)")
    case .retry(_, let delay):
      // Jitter has many digits.
      let wait = Duration.milliseconds(Int64((delay / .milliseconds(1)).rounded()))
      logger.warning("failed, comes back after \(wait): \(reason)")
    case .deadLetter(_, let why):
      let attempts = why.attempts == 1 ? "1 attempt" : "\(why.attempts) attempts"
      logger.error("dead-lettered (\(why.code)) after \(attempts): \(why.errorText)")
    }
  }
}
