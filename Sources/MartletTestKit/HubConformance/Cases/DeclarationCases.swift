import Martlet

extension HubConformance.Case {
  static let declarations = [
    defaultHub, otherPartitionCount, modes, impossibleHubs, hubMadeByPublish, racingDeclarations, changedRetention,
    deletedHub,
  ]

  static let defaultHub = Self("a hub is made with four partitions where nobody says how many") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    try expectEqual(try await brokers.log.bounds(of: hub), [], "the bounds of a hub that does not exist")
    for _ in 0..<2 {
      let description = try await brokers.log.declare(HubDeclaration(name: hub))
      try expectEqual(description, HubDescription(name: hub, partitionCount: 4), "the hub")
    }
    let bounds = try await trial.observers(of: brokers).log.bounds(of: hub)
    try expectEqual(bounds.map(\.partition), [0, 1, 2, 3], "the partitions")
    for bound in bounds {
      try expectEqual(bound.first, nil, "the first event of an empty partition")
      try expectEqual(bound.last, nil, "the last event of an empty partition")
      try expectEqual(bound.tail.sequenceNumber, -1, "the tail of an empty partition")
      if trial.features.countsEvents { try expectEqual(bound.count, 0, "the count of an empty partition") }
    }
  }

  static let otherPartitionCount = Self("another partition count is refused, with both counts") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let made = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 11))
    try expectEqual(made.partitionCount, 11, "the partition count")
    let observers = try await trial.observers(of: brokers)
    for log in [brokers.log, observers.log] {
      for mode in [DeclareMode.create, .verify] {
        let error = try await trial.expectRefusal(.conflict, of: "another partition count") {
          _ = try await log.declare(HubDeclaration(name: hub, partitionCount: 29, mode: mode))
        }
        let text = error.message.replacing(hub, with: "")
        try expect(text.contains("11") && text.contains("29"), "the error should name both counts: \(error)")
      }
      let again = try await log.declare(HubDeclaration(name: hub))
      try expectEqual(again.partitionCount, 11, "the count of a hub that is declared without one")
      let same = try await log.declare(HubDeclaration(name: hub, partitionCount: 11, mode: .verify))
      try expectEqual(same.partitionCount, 11, "the count of a hub that is verified")
    }
  }

  static let modes = Self("a hub that is only verified, or never declared, is not made") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub("absent"))
    let error = try await trial.expectRefusal(.notFound, of: "verifying a hub that does not exist") {
      _ = try await brokers.log.declare(HubDeclaration(name: hub, mode: .verify))
    }
    try expect(error.message.contains(hub), "the error should name the hub: \(error)")
    // Whether anything is said is the broker's business.
    _ = try? await brokers.log.declare(HubDeclaration(name: hub, mode: .never))
    try expectEqual(try await brokers.log.bounds(of: hub), [], "the bounds of a hub that was not made")
    _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 2))
    let known = try await brokers.log.declare(HubDeclaration(name: hub, mode: .never))
    try expectEqual(known.partitionCount, 2, "the count of a hub that is there")
  }

  static let impossibleHubs = Self("hubs that cannot be are refused") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    for count in [0, -1, 1025] {
      try await trial.expectRefusal(.configuration, of: "a hub with \(count) partitions") {
        _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: count))
      }
    }
    for name in ["", "a b", "ü"] {
      try await trial.expectRefusal(.configuration, of: "the name \"\(name)\"") {
        _ = try await brokers.log.declare(HubDeclaration(name: name))
      }
    }
    try expectEqual(try await brokers.log.bounds(of: hub), [], "the bounds of a hub that was refused")
  }

  static let hubMadeByPublish = Self("a hub that is missing is made by the first publish") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub("new"))
    try await brokers.log.publish((0..<8).map { .event("e\($0)", to: hub) })
    let bounds = try await trial.observers(of: brokers).log.bounds(of: hub)
    try expectEqual(bounds.count, 4, "the number of partitions")
    if trial.features.hasDenseSequence {
      try expectEqual(bounds.map(\.tail.sequenceNumber), [1, 1, 1, 1], "the tails after eight events, in turn")
    }
  }

  static let racingDeclarations = Self("of racing declarations with different counts one wins") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let logs = [brokers.log, try await trial.observers(of: brokers).log]
    let counts = try await withThrowingTaskGroup(of: Int?.self) { group in
      for index in 0..<12 {
        group.addTask {
          do {
            let declaration = HubDeclaration(name: hub, partitionCount: 2 + index % 3)
            return try await logs[index % 2].declare(declaration).partitionCount
          } catch let error as BrokerError where error.code == .conflict {
            return nil
          }
        }
      }
      return try await group.reduce(into: []) { counts, count in counts += count.map { [$0] } ?? [] }
    }
    try expectEqual(Set(counts).count, 1, "the number of partition counts that were accepted")
    try expectEqual(counts.count, 4, "the number of declarations that were accepted")
    try expectEqual(try await brokers.log.bounds(of: hub).count, counts.first, "the partitions that are there")
  }

  static let changedRetention = Self("the retention of a hub can be declared anew", needs: [.changedRetention]) {
    trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let observers = try await trial.observers(of: brokers)
    for retention in [
      HubRetention(age: .seconds(3600), bytes: 1 << 30, count: 1000), HubRetention(bytes: 5 << 20),
      HubRetention(age: .seconds(86_400)), HubRetention(),
    ] {
      let declared = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 2, retention: retention))
      try expectEqual(declared.retention, retention, "the retention that was declared")
      let known = try await observers.log.declare(HubDeclaration(name: hub))
      try expectEqual(known.retention, retention, "the retention that others find")
    }
  }

  static let deletedHub = Self("a hub that is deleted is gone, and can be made anew") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 2))
    try await trial.publish(5, to: hub, on: brokers)
    let observers = try await trial.observers(of: brokers)
    try await observers.log.delete(hub: hub)
    try await observers.log.delete(hub: hub)
    try expectEqual(try await brokers.log.bounds(of: hub), [], "the bounds of a hub that was deleted")
    let again = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 3))
    try expectEqual(again.partitionCount, 3, "the partition count of the new hub")
    try await trial.publish(2, to: hub, prefix: "new", on: brokers)
    try await trial.expectEvents(["new0", "new1"], in: hub, of: brokers, "the events of the new hub")
  }
}
