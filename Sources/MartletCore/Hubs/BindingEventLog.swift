/// A log that keeps for each consumer group of its hubs which store has the group's owners and positions. Two processes
/// of a group with a store each would both own every partition and process every event twice.
///
/// A binding outlives processes and restarts of the broker, and goes with its hub. That to a volatile store lasts as long
/// as a broker that has made it: its next `bind` makes it again after a lost connection.
public protocol BindingEventLog: EventLog {
  /// Binds a group to a store, if it is bound to none. Done again it changes nothing. A user who may not do that is warned
  /// of once, and goes on unbound.
  /// - Throws: `conflict` where the group is bound to another store, see `StoreBinding.refusal`; `notFound` or
  ///   `unavailable` where the hub is not there, or not yet.
  func bind(_ group: ConsumerGroup, to store: StoreIdentity) async throws(BrokerError)

  /// Which store a group is bound to; nil for none.
  func binding(of group: ConsumerGroup) async throws(BrokerError) -> StoreBinding?

  /// Ends a binding, whoever made it: the next store that asks has the group. Processes that still run with the old one
  /// bind it again, if they are faster.
  /// - Returns: false where there was none.
  func unbind(_ group: ConsumerGroup) async throws(BrokerError) -> Bool
}
