public import MartletCore

/// An app: a name and its functions. `run()` and `runAndExit()` come with the module `Martlet`.
public struct FunctionApp: Sendable {
  /// Default of consumer groups and the name that brokers show for the connections.
  public let name: String
  /// The functions, in the order in which they were written.
  public let functions: [Function]

  /// - Parameters:
  ///   - name: a letter, then letters, digits, `_` and `-`, at most 128.
  ///   - functions: functions, and groups of them.
  public init(_ name: String, @FunctionBuilder functions: () -> [Function]) {
    self.name = name
    self.functions = functions()
  }

  /// Makes a broker from a URL; the module `Martlet` knows how.
  public typealias BrokerOpening = @Sendable (_ url: String, BrokerEnvironment) throws(BrokerError) -> any Broker

  /// Starts the app and returns when its functions read their queues, or wait for a broker that is away.
  /// - Throws: `ConfigurationError` with every mistake, of the code and of the configuration.
  public func start(_ configuration: HostConfiguration, opening: BrokerOpening) async throws -> FunctionHost {
    try await start(configuration, opening: opening, until: Signal())
  }

  /// - Parameter stop: when it fires no broker is waited for any longer: the drain is due.
  func start(
    _ configuration: HostConfiguration, opening: BrokerOpening, until stop: Signal
  ) async throws -> FunctionHost {
    let instance = MessageIdentifier.random()
    let environment = BrokerEnvironment(
      app: configuration.app ?? name, instance: instance, logger: configuration.logger, lease: configuration.lease,
      maxMessageBytes: configuration.maxMessageBytes, allowVolatile: configuration.allowVolatile,
      consumerTimeout: configuration.consumerTimeout)
    let brokers = BrokerDirectory(configuration, environment: environment, opening: opening)
    let problems =
      problems(with: configuration) + brokers.problems + hubProblems(configuration, brokers)
      + repeatProblems(configuration, brokers)
    guard problems.isEmpty else {
      await brokers.close(deadline: .now)
      throw ConfigurationError(problems)
    }
    return try await FunctionHost.start(self, configuration, brokers, instance: instance, until: stop)
  }

  /// The functions that the configuration lets run.
  func activeFunctions(_ configuration: HostConfiguration) -> [Function] {
    let active = configuration.activeFunctions.map { Set($0.map { $0.lowercased() }) }
    let disabled = Set(configuration.disabledFunctions.map { $0.lowercased() })
    return functions.filter { function in
      let name = function.name.lowercased()
      return active?.contains(name) != false && !disabled.contains(name)
    }
  }

  /// The configuration's word on the function first, then the code's, then that on all functions.
  func options(of function: Function, _ configuration: HostConfiguration) -> FunctionOptions {
    let own = configuration.functions.first { $0.key.lowercased() == function.name.lowercased() }?.value
    return (own ?? FunctionOptions()).merged(over: function.options).merged(over: configuration.options)
  }
}
