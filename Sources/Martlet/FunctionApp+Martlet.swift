extension FunctionApp {
  /// Runs the app, configured from the command line, the environment and `host.json`, until SIGTERM, SIGINT or
  /// cancellation; then it drains. See `HostConfiguration.load` for what can be set.
  /// - Returns: whether the drain was clean.
  /// - Throws: `ConfigurationError` with every mistake; nothing has run then.
  @discardableResult
  public func run() async throws -> Bool {
    try await run(HostConfiguration.read(), opening: Self.open)
  }

  /// Runs the app until SIGTERM, SIGINT or cancellation; then it drains.
  /// - Parameter configuration: made by hand, or by `HostConfiguration.load`.
  /// - Returns: whether the drain was clean.
  /// - Throws: `ConfigurationError` with every mistake; nothing has run then.
  @discardableResult
  public func run(_ configuration: HostConfiguration) async throws -> Bool {
    try await run(configuration, opening: Self.open)
  }

  /// Runs the app, configured from the command line, the environment and `host.json`, and ends the process: 0 after a
  /// clean drain, 78 when the configuration is wrong, 1 otherwise.
  public func runAndExit() async -> Never {
    await runAndExit({ HostConfiguration.read() }, opening: Self.open)
  }

  /// Starts the app and returns when its functions read their queues, or wait for a broker that is away.
  /// - Parameter configuration: made by hand, or by `HostConfiguration.load`.
  /// - Throws: `ConfigurationError` with every mistake; nothing has run then.
  public func start(_ configuration: HostConfiguration) async throws -> FunctionHost {
    try await start(configuration, opening: Self.open)
  }

  /// Runs `body` beside the app's functions, for a program that has something to do and then ends: the app has started
  /// when `body` begins, and drains when it returns or throws. SIGTERM, SIGINT and cancellation cancel `body`.
  /// - Returns: what `body` returns, after the drain.
  /// - Throws: `ConfigurationError` with every mistake, before `body`; and what `body` throws.
  public func withHost<Result: Sendable>(
    _ configuration: HostConfiguration, _ body: @escaping @Sendable (FunctionHost) async throws -> Result
  ) async throws -> Result {
    try await withHost(configuration, opening: Self.open, body)
  }

  /// Picks the broker by the URL's scheme.
  @Sendable
  private static func open(_ url: String, _ environment: BrokerEnvironment) throws(BrokerError) -> any Broker {
    try BrokerURL(url).open(environment)
  }
}
