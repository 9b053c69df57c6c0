/// What follows when an event fails (`onFailure`). The events behind it in its lane wait until it has its outcome.
public struct EventFailure: Sendable, Hashable {
  /// What becomes of an event whose attempts are spent.
  public enum Last: String, Sendable, Hashable, CaseIterable {
    /// It goes to the group's dead letters, with the reason.
    case deadLetter
    /// It is left out, with an error in the log.
    case skip
    /// It is tried for ever, with the longest wait of the policy; what is behind it waits.
    case block
  }

  /// How often and when a failed event is tried again.
  public let policy: RetryPolicy
  /// What follows the last attempt.
  public let last: Last

  /// Five attempts, exponential waits, then the dead letters.
  public static let standard = EventFailure.retry()
  /// Five attempts with exponential waits.
  public static let defaultPolicy = RetryPolicy.exponentialBackoff(maxRetryCount: 4)

  /// - Parameters:
  ///   - policy: how often and when. Default: five attempts, exponential.
  ///   - last: what follows the last attempt. Default: the dead letters.
  public static func retry(_ policy: RetryPolicy = defaultPolicy, then last: Last = .deadLetter) -> EventFailure {
    EventFailure(policy: policy, last: last)
  }
}
