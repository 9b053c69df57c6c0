/// What follows when a batch of events fails as a whole.
public enum BatchFailure: String, Sendable, Hashable, CaseIterable {
  /// It runs again in halves, at once, until the event that fails is alone. Only that one counts an attempt.
  case bisect
  /// It runs again as it was; every event of it counts an attempt.
  case whole
}
