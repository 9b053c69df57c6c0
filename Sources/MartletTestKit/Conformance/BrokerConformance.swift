public import Martlet

/// What every broker has to do, as named cases that try to break it. Run them on a broker of your own:
///
/// ```swift
/// let suite = BrokerConformance(url: "redis://127.0.0.1:6379") { url, environment in
///   try BrokerURL(url).open(environment)
/// }
///
/// @Test(arguments: suite.cases) func conforms(to testCase: BrokerConformance.Case) async throws {
///   try await suite.run(testCase)
/// }
/// ```
///
/// A case uses queues of names that nobody else has and deletes them, so that all cases can run at once, and several
/// times at once, on one broker. It fails by throwing; `ConformanceFailure` says what was found. The suite needs no
/// test library.
public struct BrokerConformance: Sendable {
  /// Makes a broker, not yet started.
  public typealias Open = @Sendable (_ url: String, BrokerEnvironment) throws -> any BrokerAdministration

  /// Where the broker is.
  public let url: String
  /// What it can do.
  public let features: Features
  /// The executable that plays the process which is killed or stopped; see `ConformanceWorker`. Without one the cases
  /// that need it are left out.
  public let worker: String?
  /// Restarts the broker's server: stops it without a goodbye, starts it again, and returns when that is done. Without
  /// it the cases that need it are left out. Give the broker a server of its own then.
  public let restart: (@Sendable () async throws -> Void)?
  /// The lease that the brokers are made with. Short, since several cases wait for its end; long enough for a busy
  /// machine to renew it. Default 3 s.
  public let lease: Duration
  /// How long a case waits for what must happen before it fails. Default 30 s.
  public let patience: Duration
  /// How long something may take that should happen at once. Raise it where the machine is busy. Default 1 s.
  public let promptness: Duration
  /// What the brokers of the cases log to. Default: nowhere.
  public let logger: Logger
  let openBroker: Open

  /// - Parameters:
  ///   - url: where the broker is.
  ///   - features: what it promises.
  ///   - worker: the path of the worker executable; nil leaves out the cases that kill processes.
  ///   - restart: kills the broker and starts it again; nil leaves out the cases that need it.
  ///   - lease: the lease that the brokers are made with.
  ///   - patience: how long a case waits for what must happen.
  ///   - promptness: how long something may take that should happen at once.
  ///   - logger: what the brokers log to.
  ///   - open: makes a broker from `url`, or from one with another host and port when a proxy stands between.
  public init(
    url: String, features: Features = Features(), worker: String? = nil,
    restart: (@Sendable () async throws -> Void)? = nil, lease: Duration = .seconds(3),
    patience: Duration = .seconds(30), promptness: Duration = .seconds(1),
    logger: Logger = Logger(sink: .discard), open: @escaping Open
  ) {
    self.url = url
    self.features = features
    self.worker = worker
    self.restart = restart
    self.lease = lease
    self.patience = patience
    self.promptness = promptness
    self.logger = logger
    openBroker = open
  }

  /// The cases that this broker can be asked, by its features and by what was given beside it.
  public var cases: [Case] { Case.all.filter { $0.needs.isSubset(of: available) } }

  /// Runs a case.
  /// - Throws: `ConformanceFailure` where the broker does not conform, `BrokerError` where it refuses what it should
  ///   do.
  public func run(_ testCase: Case) async throws {
    let trial = Trial(of: self, name: testCase.name)
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
    if features.remembersIDs { available.insert(.memory) }
    if features.isNetworked { available.insert(.proxy) }
    if features.isShared && worker != nil { available.insert(.worker) }
    if restart != nil { available.insert(.restart) }
    return available
  }
}
