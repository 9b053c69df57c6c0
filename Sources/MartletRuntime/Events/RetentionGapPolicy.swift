/// What follows when events were removed that a group had not read: by the hub's retention, or because the hub was
/// deleted and made again.
public enum RetentionGapPolicy: String, Sendable, Hashable, CaseIterable {
  /// The group goes on with the oldest event that is there; the log says how many are missing.
  case skip
  /// The group stops in that partition until somebody moves it; the log says why.
  case fail
}
