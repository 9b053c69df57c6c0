import MartletCore

/// The brokers of an app: the default one and the named ones. Two names with one URL share one connection.
final class BrokerDirectory: Sendable {
  /// By connection key; the default broker's is "".
  private let brokers: [String: any Broker]
  private let all: [any Broker]
  /// That of `MARTLET_STORE`; nil where each hub's broker is its own store.
  private let chosenStore: (any Store)?
  /// How hubs are made that functions send to by hand.
  private let hubs = Locked<[Address: HubDeclaration]>([:])
  /// URLs that no broker can be made of. Then the directory is good for `close` alone.
  let problems: [ConfigurationError.Problem]

  init(_ configuration: HostConfiguration, environment: BrokerEnvironment, opening: FunctionApp.BrokerOpening) {
    var problems: [ConfigurationError.Problem] = []
    var opened: [String: any Broker] = [:]
    var brokers: [String: any Broker] = [:]
    func open(_ key: String, _ url: String, _ name: String) {
      do throws(BrokerError) {
        let broker = if let open = opened[url] { open } else { try opening(url, environment) }
        opened[url] = broker
        brokers[key] = broker
      } catch {
        problems.append(.init(configuration.places[name] ?? name, error.message))
      }
    }
    open("", configuration.broker, "broker")
    for (name, url) in configuration.connections.sorted(by: { $0.key < $1.key }) {
      open(HostConfiguration.connectionKey(name), url, "connections.\(name)")
    }
    var store: (any Store)?
    if let url = configuration.store {
      open(Self.storeKey, url, "store")
      store = brokers.removeValue(forKey: Self.storeKey).flatMap { broker in
        if !(broker is any Store) {
          problems.append(
            .init(
              configuration.places["store"] ?? "store",
              "\(broker.system) cannot be a store: use embedded:PATH or redis://host"))
        }
        return broker as? any Store
      }
    }
    chosenStore = store
    self.brokers = brokers
    self.problems = problems
    all = Array(opened.values)
  }

  /// No connection has this name: it holds a character that names cannot.
  private static let storeKey = "(store)"

  /// Where the consumer groups of a hub keep what they know; nil where there is no store.
  func store(of hub: Address) -> (any Store)? { chosenStore ?? self[hub] as? any Store }

  /// The broker that an address lives on. Names were checked at the start; one that a function sends to by hand may be
  /// unknown, and then is the default's.
  subscript(address: Address) -> any Broker {
    let named = address.connection.flatMap { brokers[HostConfiguration.connectionKey($0)] }
    guard let broker = named ?? brokers[""] else { preconditionFailure("the app has started without a broker") }
    return broker
  }

  /// Tells a hub's broker how it is made where it is missing. What one name leaves open, another one may have said.
  func note(_ hub: HubDeclaration, at address: Address) {
    hubs.withLock { hubs in
      var hub = hub
      hub.partitionCount = hub.partitionCount ?? hubs[address]?.partitionCount
      hub.retention = hub.retention ?? hubs[address]?.retention
      hubs[address] = hub
      // Under the lock, so that the broker hears the last word last.
      (self[address] as? any EventLog)?.note(hub)
    }
  }

  /// Connects all; those that are away, or refuse the login, go on trying.
  /// - Parameter exitsWhenRefused: a refused login is a mistake of the configuration.
  /// - Throws: `ConfigurationError` for what waiting will not mend.
  func start(logger: Logger, exitsWhenRefused: Bool) async throws {
    var problems: [ConfigurationError.Problem] = []
    for broker in all {
      do { try await broker.start(deadline: .now + .seconds(5)) } catch {
        // Passwords are rotated, and virtual hosts made, while apps wait.
        let isRefusal = [.authentication, .permission, .notFound].contains(error.code)
        if error.isRetriable || isRefusal && !exitsWhenRefused {
          logger.warning("\(broker.system) is not there yet, waiting for it: \(error.message)")
        } else {
          problems.append(.init(broker.system, error.message))
        }
      }
    }
    guard problems.isEmpty else { throw ConfigurationError(problems) }
  }

  func close(deadline: ContinuousClock.Instant) async {
    for broker in all { await broker.close(deadline: deadline) }
  }
}
