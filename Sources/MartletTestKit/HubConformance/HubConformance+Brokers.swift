public import Martlet

extension HubConformance {
  /// What one process works with: a log and the store of its consumer groups.
  public struct Brokers: Sendable {
    /// Holds the hubs.
    public let log: any EventLog & BrokerAdministration
    /// Holds what the groups know.
    public let store: any Store & BrokerAdministration
    /// Whether both are one object.
    let isOne: Bool

    /// A broker that is its own store.
    public init(_ broker: any EventLog & Store & BrokerAdministration) {
      log = broker
      store = broker
      isOne = true
    }

    /// A broker that has none, with another one as its store.
    public init(log: any EventLog & BrokerAdministration, store: any Store & BrokerAdministration) {
      self.log = log
      self.store = store
      isOne = false
    }

    func start(deadline: ContinuousClock.Instant) async throws {
      try await log.start(deadline: deadline)
      if !isOne { try await store.start(deadline: deadline) }
    }

    func close(deadline: ContinuousClock.Instant) async {
      await log.close(deadline: deadline)
      if !isOne { await store.close(deadline: deadline) }
    }
  }
}
