/// The runtime's side of a partition reader. The broker calls it from its connection thread: every method returns at
/// once.
public protocol EventHandler: AnyObject, Sendable {
  /// Events in the order of the partition, each once. Never more than was granted.
  /// - Parameters:
  ///   - events: what came; none where only the tail is news.
  ///   - tail: the end of the partition at about that time; nil where the broker did not say.
  func receive(_ events: [Event], tail: PartitionTail?)

  /// What should come next is not there. The reader has ended: whoever wants to go on opens another one.
  func receive(_ loss: EventLoss)

  /// The partition cannot be read for now, or can again (nil). The broker keeps trying.
  func report(problem: BrokerError?)
}
