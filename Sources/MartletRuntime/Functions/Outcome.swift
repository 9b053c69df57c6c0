/// What a function throws when it knows better than its retry policy.
public enum Outcome: Error, Sendable, Hashable {
  /// The message goes to the dead letters now, with this reason.
  case deadLetter(String)
  /// The message comes back after the wait (nil: the retry policy's). It counts as an attempt.
  case retry(after: Duration?)
}
