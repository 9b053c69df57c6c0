import MartletCore

extension FunctionPlan {
  /// The one line that a failure writes.
  func log(_ settlement: Settlement, of delivery: Delivery, because reason: String, _ logger: Logger) {
    var logger = logger
    if !logger.fields.contains(where: { $0.name == "messageID" }) {
      logger.fields.append(LogField("messageID", delivery.message.id))
      logger.fields.append(LogField("attempt", delivery.attempt))
      if let trace = delivery.message.trace { logger.fields.append(LogField("trace", trace.traceIDText)) }
    }
    switch settlement {
    case .complete: break
    case .release: logger.debug("given back, not run to its end: \(reason)")
    case .retry(_, let delay): logger.warning("failed, comes back after \(delay): \(reason)")
    case .deadLetter(_, let why):
      let attempts = why.attempts == 1 ? "1 attempt" : "\(why.attempts) attempts"
      logger.error("dead-lettered (\(why.code)) after \(attempts): \(why.errorText)")
    }
  }
}
