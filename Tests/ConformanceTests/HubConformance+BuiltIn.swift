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
