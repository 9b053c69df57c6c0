/// What every broker is made with.
public struct BrokerEnvironment: Sendable {
  /// The app's name, for connection names that an operator sees.
  public var app: String
  /// Unique for this process's life.
  public var instance: String
  /// Where the broker says that a connection was lost, or is back.
  public var logger: Logger
  /// How long a consumer that fell silent keeps its messages: after it, others take them over. 1 s to 10 min; default 10 s.
  public var lease: Duration
  /// Larger bodies are refused when sent and dead-lettered when received. Default 16 MiB.
  public var maxMessageBytes: Int
  /// Lets a Redis without append-only file, or with an evicting policy, be used. Default false.
  public var allowVolatile: Bool
  /// `consumer_timeout` of RabbitMQ, as its operator has set it: who keeps a message for longer loses it. Default 30 min.
  public var consumerTimeout: Duration

  public init(
    app: String, instance: String = MessageIdentifier.random(), logger: Logger = Logger(sink: .discard),
    lease: Duration = .seconds(10), maxMessageBytes: Int = 16 << 20, allowVolatile: Bool = false,
    consumerTimeout: Duration = .seconds(1800)
  ) {
    self.app = app
    self.instance = instance
    self.logger = logger
    self.lease = lease
    self.maxMessageBytes = maxMessageBytes
    self.allowVolatile = allowVolatile
    self.consumerTimeout = consumerTimeout
  }
}
