public import MartletCore

/// RabbitMQ keeps neither owners nor positions, but one exchange for each group says which store does.
extension RabbitMQBroker: BindingEventLog {
  public func bind(_ group: ConsumerGroup, to store: StoreIdentity) async throws(BrokerError) {
    run()
    do throws(BrokerError) {
      try await topology.perform { channel throws(BrokerError) in try channel.bind(group, to: store) }
    } catch  where error.code == .permission {
      guard warnings.withLock({ $0.insert(group).inserted }) else { return }
      environment.logger.warning(
        "the group \(group) cannot be bound to its store, so a process with another store would not be noticed, and both "
          + "would process every event: \(error.message)")
    }
  }

  public func binding(of group: ConsumerGroup) async throws(BrokerError) -> StoreBinding? {
    run()
    return try await topology.perform { channel throws(BrokerError) in try channel.binding(of: group) }
  }

  public func unbind(_ group: ConsumerGroup) async throws(BrokerError) -> Bool {
    run()
    return try await topology.perform { channel throws(BrokerError) in try channel.unbind(group) }
  }
}
