/// The store that a consumer group is bound to, as the broker of its hub has it.
public struct StoreBinding: Sendable, Hashable {
  /// `StoreIdentity.uuid`; nil where the broker does not tell it, because the names of hub and group are too long.
  public let uuid: String?
  /// Whether the binding ends with the last process that uses the store.
  public let isVolatile: Bool

  public init(uuid: String?, isVolatile: Bool) {
    self.uuid = uuid
    self.isVolatile = isVolatile
  }

  /// Why a group cannot go on with a store: what is wrong, what it would lead to, and the ways out.
  public func refusal(of store: StoreIdentity, for group: ConsumerGroup) -> BrokerError {
    let bound = (uuid.map { "the store \($0)" } ?? "another store") + (isVolatile ? " in the memory of a process" : "")
    let way =
      isVolatile
      ? "or end the process that has the group"
      : "only if the other one is gone for good, release the group (HubOperations.release), which then begins anew"
    return BrokerError(
      .conflict,
      "the group '\(group.name)' of the hub '\(group.hub)' is bound to \(bound), but MARTLET_STORE is the store \(store); "
        + "with two stores every event would be processed twice. Set MARTLET_STORE to the same store for all processes of "
        + "the group; \(way)", isRetriable: true)
  }
}
