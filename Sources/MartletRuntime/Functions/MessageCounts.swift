/// What became of messages that a function did not simply process, in this process since its start. See
/// `FunctionHost.messageCounts(of:)`.
public struct MessageCounts: Sendable, Hashable {
  /// Messages that were dropped as repeats, as `deduplicate` says.
  public internal(set) var repeated = 0
}
