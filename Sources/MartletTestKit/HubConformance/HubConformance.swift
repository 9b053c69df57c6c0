public import Martlet

/// What every broker with event hubs has to do, and the store of their consumer groups, as named cases that try to break
/// it. Run them on a broker of your own:
///
/// ```swift
/// let suite = HubConformance(url: "redis://127.0.0.1:6379") { url, environment in
///   HubConformance.Brokers(try RedisBroker(url: url, environment: environment))
/// }
///
/// @Test(arguments: suite.cases) func conforms(to testCase: HubConformance.Case) async throws {
///   try await suite.run(testCase)
/// }
/// ```
///
/// A case uses hubs, groups and queues of names that nobody else has and deletes them, so that all cases can run at once,
/// and several times at once, on one broker. It fails by throwing; `ConformanceFailure` says what was found. The suite
/// needs no test library.
public struct HubConformance: Sendable {
  /// Makes what one process works with, not yet started.
  public typealias Open = @Sendable (_ url: String, BrokerEnvironment) throws -> Brokers

  /// Where the log is.
  public let url: String
  /// What it can do.
  public let features: Features
  /// Restarts the log's server: stops it without a goodbye, starts it again, and returns when that is done. Without it
  /// the cases that need it are left out. Give the log a server of its own then.
  public let restart: (@Sendable () async throws -> Void)?
  /// How long a case waits for what must happen before it fails. Default 30 s.
  public let patience: Duration
  /// How long something may take that should happen at once. Raise it where the machine is busy. Default 1 s.
  public let promptness: Duration
  /// What the brokers of the cases log to. Default: nowhere.
  public let logger: Logger
  let openBrokers: Open

  /// - Parameters:
  ///   - url: where the log is.
  ///   - features: what log and store promise.
  ///   - restart: kills the log's server and starts it again; nil leaves out the cases that need it.
  ///   - patience: how long a case waits for what must happen.
  ///   - promptness: how long something may take that should happen at once.
  ///   - logger: what the brokers log to.
  ///   - open: makes log and store; the log from `url`, or from one with another host and port when a proxy stands
  ///     between; the store always the same one.
  public init(
    url: String, features: Features = Features(), restart: (@Sendable () async throws -> Void)? = nil,
    patience: Duration = .seconds(30), promptness: Duration = .seconds(1), logger: Logger = Logger(sink: .discard),
    open: @escaping Open
  ) {
    self.url = url
    self.features = features
    self.restart = restart
    self.patience = patience
    self.promptness = promptness
    self.logger = logger
    openBrokers = open
  }

  /// The cases that these brokers can be asked, by their features and by what was given beside them.
  public var cases: [Case] { Case.all.filter { $0.needs.isSubset(of: available) } }

  /// Runs a case.
  /// - Throws: `ConformanceFailure` where a broker does not conform, `BrokerError` where it refuses what it should do.
  public func run(_ testCase: Case) async throws {
    let trial = HubTrial(of: self)
    do {
      try await testCase.body(trial)
    } catch {
      await trial.end()
      throw error
    }
    await trial.end()
  }

  private var available: Set<Need> {
    var available: Set<Need> = []
    if features.isShared { available.insert(.sharing) }
    if features.isPersistent { available.insert(.persistence) }
    if features.isNetworked { available.insert(.proxy) }
    if features.isOwnStore { available.insert(.ownStore) }
    if features.trims { available.insert(.trimming) }
    if features.changesRetention { available.insert(.changedRetention) }
    if restart != nil { available.insert(.restart) }
    return available
  }
}
