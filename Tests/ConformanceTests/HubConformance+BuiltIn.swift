import Martlet
import MartletTestKit

/// The suite of hubs on the brokers that are built in, with what each of them promises.
extension HubConformance {
  static func embedded(at url: String, pace: BrokerConformance.Pace = .alone) -> HubConformance {
    ownStore(url, Features(isNetworked: false), pace: pace)
  }

  static let memory = ownStore("embedded:", Features(isShared: false, isPersistent: false, isNetworked: false))

  /// A broker that is its own store.
  static func ownStore(
    _ url: String, _ features: Features, pace: BrokerConformance.Pace = .alone,
    restart: (@Sendable () async throws -> Void)? = nil
  ) -> HubConformance {
    HubConformance(
      url: url, features: features, restart: restart, patience: pace.patience, promptness: pace.promptness,
      logger: BrokerConformance.testLogger
    ) { url, environment in
      guard let broker = try BrokerURL(url).open(environment) as? any EventLog & Store & BrokerAdministration else {
        throw ConformanceFailure("the broker has no event hubs, or is no store")
      }
      return Brokers(broker)
    }
  }
}

extension HubConformance {
  /// RabbitMQ's streams, with an embedded file as the store of the consumer groups.
  static func rabbitMQ(
    at url: String, store: String, restart: (@Sendable () async throws -> Void)? = nil
  ) -> HubConformance {
    let features = Features(
      isOwnStore: false, hasDenseSequence: false, countsEvents: false, trims: false, changesRetention: false)
    return HubConformance(
      url: url, features: features, restart: restart, patience: .seconds(60), promptness: .seconds(5),
      logger: BrokerConformance.testLogger
    ) { url, environment in
      guard let log = try BrokerURL(url).open(environment) as? any EventLog & BrokerAdministration,
        let store = try BrokerURL(store).open(environment) as? any Store & BrokerAdministration
      else { throw ConformanceFailure("the broker has no event hubs, or the other one is no store") }
      return Brokers(log: log, store: store)
    }
  }
}
