import Martlet

extension HubConformance.Case {
  static let identities = [identity, oneStoreForAGroup]

  static let identity = Self("a store is the same for all that open it") { trial in
    let brokers = try await trial.brokers()
    let identity = try await brokers.store.identity()
    try expect(!identity.uuid.isEmpty, "a store should have a uuid")
    try expect(!identity.place.isEmpty, "a store should say where it is")
    let observers = try await trial.observers(of: brokers)
    try expectEqual(try await observers.store.identity().uuid, identity.uuid, "the store that another process sees")
    try expectEqual(try await brokers.store.identity(), identity, "the store a second time")
    try expectEqual(identity.isVolatile, !trial.features.isPersistent, "whether it ends with its process")
  }

  static let oneStoreForAGroup = Self("a group is bound to one store until it is released, or its hub deleted") {
    trial in
    let brokers = try await trial.brokers()
    // Whoever keeps owners and positions itself has nothing to bind.
    guard let log = brokers.log as? any BindingEventLog else { return }
    let hub = trial.hub()
    _ = try await log.declare(HubDeclaration(name: hub, partitionCount: 1))
    let (group, other) = (trial.group("a", of: hub), trial.group("b", of: hub))
    let store = try await brokers.store.identity()
    let foreign = StoreIdentity(uuid: MessageIdentifier.random(), place: "elsewhere")
    try await log.bind(group, to: store)
    try await log.bind(other, to: foreign)
    try await log.bind(group, to: store)
    do {
      try await log.bind(group, to: foreign)
      throw ConformanceFailure("a second store should be refused")
    } catch let error as BrokerError {
      try expectEqual(error.code, .conflict, "the refusal of a second store")
      for word in [hub, "'a'", store.uuid, foreign.uuid] where !error.message.contains(word) {
        throw ConformanceFailure("the refusal of a second store should name \(word): \(error.message)")
      }
    }
    try expectEqual(try await log.binding(of: group)?.uuid, store.uuid, "the store of the group")
    try expect(try await log.unbind(group), "the group should be released")
    try expect(try await !log.unbind(group), "a group that is released should be bound to nothing")
    try await log.bind(group, to: foreign)
    try await log.delete(hub: hub)
    try expectEqual(try await log.binding(of: group), nil, "the store of a group whose hub is deleted")
  }
}
