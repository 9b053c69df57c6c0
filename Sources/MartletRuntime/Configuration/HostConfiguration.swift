public import MartletCore

/// Everything that is set outside of the code. `HostConfiguration.load` reads it from the command line, the environment
/// and `host.json`; tests make one by hand.
public struct HostConfiguration: Sendable {
  /// The app's name where it is to differ from the code's: `MARTLET_APP`.
  public var app: String?
  /// The default broker: `embedded:PATH`, `embedded:` (memory), `redis://…`, `amqp://…`. Default `embedded:./data`.
  public var broker: String
  /// Where consumer groups keep their checkpoints: a URL as `broker`, embedded or Redis. Default: the hub's own broker,
  /// where it can be one; RabbitMQ cannot.
  public var store: String?
  /// Named brokers, for queues that ask for one. In names case does not count, and `-` counts as `_`.
  public var connections: [String: String]
  /// Options of all functions.
  public var options: FunctionOptions
  /// Options by function name; these win over the code's.
  public var functions: [String: FunctionOptions]
  /// How long a drain may take, 0 to 1 h. What runs 4 s before its end, or at half of a shorter one than 8 s, is cancelled.
  /// Default 25 s.
  public var drainTimeout: Duration
  /// How long a consumer that fell silent keeps its messages, 1 s to 10 min. Default 10 s.
  public var lease: Duration
  /// Larger bodies are refused, 1 KiB to 128 MiB. Default 16 MiB.
  public var maxMessageBytes: Int
  /// Lets a Redis that may forget be used. Default false.
  public var allowVolatile: Bool
  /// `consumer_timeout` of RabbitMQ, as its operator has set it, 1 s to 365 d. Default 30 min, as RabbitMQ's.
  public var consumerTimeout: Duration
  /// Ends the process (exit code 78) when a broker refuses the login at the start, instead of trying on. Default false.
  public var exitWhenRefused: Bool
  /// Where events go, and from which level on.
  public var logger: Logger
  /// The functions that run, ignoring case; nil is all. Azure's `functions`.
  public var activeFunctions: [String]?
  /// The functions that do not run, ignoring case. Azure's `AzureWebJobs.<function>.Disabled`.
  public var disabledFunctions: [String]

  /// What was wrong with what was read; the app's start reports it together with the app's own mistakes.
  package internal(set) var problems: [ConfigurationError.Problem] = []
  /// Azure's keys that were found and mean nothing here.
  package internal(set) var ignored: [String] = []
  /// Where a value stands, for messages that come when it is used: `broker`, `connections.<name>`, `functions.<name>`…
  var places: [String: String] = [:]

  public init(
    app: String? = nil, broker: String = "embedded:./data", store: String? = nil,
    connections: [String: String] = [:],
    options: FunctionOptions = .init(), functions: [String: FunctionOptions] = [:],
    drainTimeout: Duration = .seconds(25), lease: Duration = .seconds(10), maxMessageBytes: Int = 16 << 20,
    allowVolatile: Bool = false, consumerTimeout: Duration = .seconds(1800), exitWhenRefused: Bool = false,
    logger: Logger = Logger(),
    activeFunctions: [String]? = nil, disabledFunctions: [String] = []
  ) {
    self.app = app
    self.broker = broker
    self.store = store
    self.connections = connections
    self.options = options
    self.functions = functions
    self.drainTimeout = drainTimeout
    self.lease = lease
    self.maxMessageBytes = maxMessageBytes
    self.allowVolatile = allowVolatile
    self.consumerTimeout = consumerTimeout
    self.exitWhenRefused = exitWhenRefused
    self.logger = logger
    self.activeFunctions = activeFunctions
    self.disabledFunctions = disabledFunctions
  }
}
