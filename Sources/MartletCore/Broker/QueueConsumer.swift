/// One function's reader of one queue. It reconnects, declares again and resumes by itself.
public protocol QueueConsumer: Sendable {
  /// How many deliveries may be unsettled. Zero stops the intake; what is on its way still arrives.
  func setPrefetch(_ count: Int)

  /// Applies a group: outputs durable before, or together with, the settlements. `completion` is called exactly once,
  /// from the connection thread, and returns at once. Groups are applied in the order of the calls. While the broker is
  /// away the group is kept and sent again under the same number; a group that was applied answers `applied` again.
  /// Every output's address lies in the queue's own commit domain.
  func commit(_ group: CommitGroup, completion: @escaping @Sendable (CommitResult) -> Void)

  /// Ends the consumer after the commits that were handed in: its lease or channel is given up at once. Deliveries that
  /// were not settled go back to the queue. Waits at most until `deadline`.
  func close(deadline: ContinuousClock.Instant) async
}
