/// What a function asks of a queue.
public struct QueueSubscription: Sendable {
  /// The queue, made before it is read where it says so.
  public var queue: QueueDeclaration
  /// The function that reads, for logs and consumer tags.
  public var function: String
  /// How many deliveries may be unsettled at first; `QueueConsumer.setPrefetch` changes it.
  public var prefetch: Int

  public init(queue: QueueDeclaration, function: String, prefetch: Int) {
    self.queue = queue
    self.function = function
    self.prefetch = prefetch
  }
}
