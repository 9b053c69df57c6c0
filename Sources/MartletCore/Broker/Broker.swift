/// A message broker: what the runtime needs to read, write and commit. One object per connection URL.
///
/// Waiting is the broker's business: while it is away, calls wait, with backoff and one log line per change of state.
public protocol Broker: Sendable {
  /// `embedded`, `redis`, `rabbitmq`: for logs and metrics.
  var system: String { get }

  /// How long a delivery may stay unsettled before the broker takes it back; nil for as long as its consumer lives.
  var settlementTimeout: Duration? { get }

  /// Which addresses one commit can cover.
  func commitDomain(for address: Address) -> CommitDomain

  /// Connects and checks what cannot work at all (an evicting Redis, a store of another version). Returns when the
  /// broker has answered once, or at the deadline with the reason why it has not; it goes on trying either way.
  /// - Throws: `BrokerError` with `isRetriable == false` for what waiting will not mend.
  func start(deadline: ContinuousClock.Instant) async throws(BrokerError)

  /// Makes sure that a queue exists and fits.
  func declare(_ queue: QueueDeclaration) async throws(BrokerError)

  /// Begins to read a queue. Returns when the first attempt to subscribe has an answer; trouble goes to `handler`.
  func consume(_ subscription: QueueSubscription, handler: any DeliveryHandler) async throws(BrokerError)
    -> any QueueConsumer

  /// Publishes; `completion` is called exactly once, from the connection thread, when all messages are durable or
  /// refused. After a cut the unconfirmed ones are sent again under the same ids. `ownershipLost` is answered only
  /// when the broker is closed before it could know.
  func publish(_ messages: [OutgoingMessage], completion: @escaping @Sendable (CommitResult) -> Void)

  /// Ends all connections, after what was handed in is done or the deadline has passed.
  func close(deadline: ContinuousClock.Instant) async
}

extension Broker {
  /// For as long as the consumer lives.
  public var settlementTimeout: Duration? { nil }
}
