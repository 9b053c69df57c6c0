public import MartletCore

/// Which store a group's owners and positions are in, where the hub's broker has no place for them (RabbitMQ).
extension HubOperations {
  /// The store that a consumer group is bound to, as the broker of the hub has it.
  /// - Parameter group: the group's name.
  /// - Returns: nil for a group that is bound to none, and where the broker keeps owners and positions itself.
  public func binding(of group: String) async throws(BrokerError) -> StoreBinding? {
    guard let log = log as? any BindingEventLog else { return nil }
    return try await log.binding(of: ConsumerGroup(hub: hub, name: group))
  }

  /// Releases a consumer group from the store that it is bound to: for a store that is gone for good, or is to be left.
  /// End all processes that use that store first; those that still run bind the group again.
  ///
  /// Positions are not moved along. In a store that does not know the group it begins at its `initialOffset`, by default
  /// at the oldest event that is kept, so everything is processed once more; where it must not, `rewind` it as soon as it
  /// has begun, or begin with another `initialOffset`. What the group keeps for keys, and the ids that it remembers, stay
  /// behind too.
  /// - Parameter group: the group's name; the store need not know it.
  /// - Returns: false where the group was bound to none, or the broker keeps owners and positions itself.
  @discardableResult
  public func release(_ group: String) async throws(BrokerError) -> Bool {
    guard let log = log as? any BindingEventLog else { return false }
    return try await log.unbind(ConsumerGroup(hub: hub, name: group))
  }
}
