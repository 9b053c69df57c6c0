/// The names that Martlet writes beside a body. A golden file holds them: what is on a broker today is read by every
/// later release.
public enum WireField {
  /// How many attempts are spent; absent is none. An AMQP header, a Redis field, an embedded column.
  public static let attempts = "martlet-attempts"
  /// When the message ends to be of use: milliseconds since 1970, text. Absent is never.
  public static let expiresAt = "martlet-expires-at"
  /// W3C Trace Context.
  public static let traceparent = "traceparent"
  /// W3C Trace Context.
  public static let tracestate = "tracestate"
  /// The message's key, where the broker has no field for it.
  public static let key = "martlet-key"

  /// `DeadLetterReason.code`.
  public static let deadLetterReason = "martlet-dead-letter-reason"
  /// `DeadLetterReason.errorText`.
  public static let deadLetterError = "martlet-dead-letter-error"
  /// `DeadLetterReason.errorType`.
  public static let deadLetterErrorType = "martlet-dead-letter-error-type"
  /// `DeadLetterReason.function`.
  public static let deadLetterFunction = "martlet-dead-letter-function"
  /// `DeadLetterReason.attempts`, decimal.
  public static let deadLetterAttempts = "martlet-dead-letter-attempts"
  /// The name of `DeadLetterReason.source`.
  public static let deadLetterSource = "martlet-dead-letter-source"
  /// `DeadLetterReason.partition`, decimal; absent for a queue's.
  public static let deadLetterPartition = "martlet-dead-letter-partition"
  /// `DeadLetterReason.offset`, as text; absent for a queue's.
  public static let deadLetterOffset = "martlet-dead-letter-offset"
  /// `DeadLetterReason.time`, ISO 8601.
  public static let deadLetterTime = "martlet-dead-letter-time"
  /// `DeadLetterReason.traceID`.
  public static let deadLetterTrace = "martlet-dead-letter-trace"
}
