import Foundation
import Martlet

extension HubConformance.Case {
  static let records = [
    fullPosition, keptPosition, independentGroups, listedGroups, deletedGroups, outlivingRecords, rememberedIDs,
  ]

  /// Times are kept to the millisecond.
  private static let time = Date(timeIntervalSince1970: 1_700_000_000.123)

  static let fullPosition = Self("a position is read back as it was written") { trial in
    let brokers = try await trial.brokers()
    let observer = try await trial.observers(of: brokers).store
    let partition = GroupPartition(group: trial.group(of: trial.hub()), number: 0)
    let epoch = try await trial.claim(partition, on: brokers.store).epoch
    let positions = [
      PartitionPosition(),
      PartitionPosition(finished: [EventOffset(low: 3)]),
      PartitionPosition(
        checkpoint: EventOffset(low: 41), sequenceNumber: 41, eventID: "e41", enqueuedAt: time,
        finished: [43, 44, 99].map { EventOffset(low: $0) }),
      PartitionPosition(
        checkpoint: EventOffset(high: 1_700_000_000_000, low: 7), sequenceNumber: 1 << 40,
        eventID: "an id, \"quoted\", ünïcödé \u{1F426}", enqueuedAt: time,
        finished: (0..<2000).map { EventOffset(high: 1_700_000_000_001 + $0 / 3, low: $0 % 3) }),
      PartitionPosition(checkpoint: EventOffset(low: 1 << 50), sequenceNumber: 1 << 50),
    ]
    for (index, position) in positions.enumerated() {
      try await trial.expectApplied(
        PartitionCommit(partition: partition, epoch: epoch, number: UInt64(index + 1), position: position),
        on: brokers.store)
      let record = try await trial.record(of: partition, in: observer)
      try expect(record.position == position, "position \(index) came back as another one")
      try expectEqual(record.lastCommit, UInt64(index + 1), "the number of the last commit")
      try expectEqual(record.owner, "owner", "the owner")
    }
  }

  static let keptPosition = Self("a commit without a position leaves it") { trial in
    let store = try await trial.brokers().store
    let partition = GroupPartition(group: trial.group(of: trial.hub()), number: 0)
    let epoch = try await trial.claim(partition, on: store).epoch
    try await trial.expectApplied(
      PartitionCommit(partition: partition, epoch: epoch, number: 1, values: ["k": Bytes("1")]), on: store)
    try expectEqual(try await trial.record(of: partition, in: store).position, nil, "the position before the first")
    let position = PartitionPosition(
      checkpoint: EventOffset(low: 4), sequenceNumber: 4, eventID: "e4", finished: [EventOffset(low: 6)])
    try await trial.expectApplied(
      PartitionCommit(partition: partition, epoch: epoch, number: 2, position: position), on: store)
    try await trial.expectApplied(
      PartitionCommit(partition: partition, epoch: epoch, number: 3, values: ["k": Bytes("3")]), on: store)
    let record = try await trial.record(of: partition, in: store)
    try expectEqual(record.position, position, "the position")
    try expectEqual(record.lastCommit, 3, "the number of the last commit")
  }

  static let independentGroups = Self("two groups of one hub are independent") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let events = try await trial.publish(10, to: hub, on: brokers)
    var epochs: [UInt64] = []
    for (index, name) in ["a", "b"].enumerated() {
      let partition = GroupPartition(group: trial.group(name, of: hub), number: 0)
      for _ in 0...index { _ = try await trial.claim(partition, on: brokers.store) }
      let epoch = try await trial.claim(partition, on: brokers.store).epoch
      try await trial.expectApplied(
        PartitionCommit(
          partition: partition, epoch: epoch, number: 1, position: events[index * 5].position,
          values: ["k": Bytes(name)]), on: brokers.store)
      epochs.append(epoch)
    }
    for (index, name) in ["a", "b"].enumerated() {
      let partition = GroupPartition(group: trial.group(name, of: hub), number: 0)
      let record = try await trial.record(of: partition, in: brokers.store)
      try expectEqual(record.epoch, epochs[index], "the epoch of group \(name)")
      try expectEqual(record.position, events[index * 5].position, "the position of group \(name)")
      let values = try await brokers.store.values(of: ["k"], in: partition)
      try expectEqual(values, ["k": Bytes(name)], "the values of group \(name)")
      guard let position = record.position else { continue }
      let reader = try await trial.reader(brokers, of: hub, after: position, grant: 1)
      try expectEqual(try await reader.one().message.id, "e\(index * 5 + 1)", "the next event of group \(name)")
    }
  }

  static let listedGroups = Self("the groups of a hub are listed") { trial in
    let brokers = try await trial.brokers()
    let (hub, other) = (trial.hub(), trial.hub("other"))
    try expectEqual(try await brokers.store.groups(of: hub), [], "the groups of a hub that has none")
    for name in ["detect", "Archive", "a-b_c.d"] {
      for number in 0..<2 {
        _ = try await trial.claim(GroupPartition(group: trial.group(name, of: hub), number: number), on: brokers.store)
      }
    }
    _ = try await trial.claim(GroupPartition(group: trial.group("else", of: other), number: 0), on: brokers.store)
    let observer = try await trial.observers(of: brokers).store
    try expectEqual(try await observer.groups(of: hub), ["Archive", "a-b_c.d", "detect"], "the groups")
    try expectEqual(try await observer.groups(of: other), ["else"], "the groups of the other hub")
  }

  static let deletedGroups = Self("with a hub goes what its groups knew", needs: [.ownStore]) { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let events = try await trial.publish(3, to: hub, on: brokers)
    let group = trial.group(of: hub)
    let partition = GroupPartition(group: group, number: 0)
    let epoch = try await trial.claim(partition, on: brokers.store).epoch
    let commit = PartitionCommit(
      partition: partition, epoch: epoch, number: 1, position: events[1].position, values: ["k": Bytes("v")])
    try await trial.expectApplied(commit, on: brokers.store)
    _ = try await brokers.store.attend(group, as: "owner", expiration: .seconds(30))
    try await brokers.log.delete(hub: hub)
    try expectEqual(try await brokers.store.groups(of: hub), [], "the groups")
    try expectEqual(try await brokers.store.values(of: ["k"], in: partition), [:], "the values")
    let record = try await trial.record(of: partition, in: brokers.store)
    try expectEqual(record.position, nil, "the position")
    try expectEqual(record.owner, nil, "the owner")
    let members = try await brokers.store.attend(group, as: "new", expiration: .seconds(30))
    try expectEqual(members.map(\.id), ["new"], "the members")
    var late = commit
    late.number = 2
    try await trial.expectLost(late, "a commit to a hub that was deleted", on: brokers.store)
  }

  static let outlivingRecords = Self("events and records outlive the broker object", needs: [.persistence]) { trial in
    let hub = trial.hub()
    let partition = GroupPartition(group: trial.group(of: hub), number: 0)
    let first = try await trial.brokers("first")
    let events = try await trial.publish(10, to: hub, on: first)
    let epoch = try await trial.claim(partition, on: first.store).epoch
    try await trial.expectApplied(
      PartitionCommit(
        partition: partition, epoch: epoch, number: 1, position: events[4].position, values: ["k": Bytes("v")]),
      on: first.store)
    await first.close(deadline: trial.deadline)
    let second = try await trial.brokers("second")
    let record = try await trial.claim(partition, as: "second", on: second.store)
    try expectEqual(record.position, events[4].position, "the position")
    try expectEqual(try await second.store.values(of: ["k"], in: partition), ["k": Bytes("v")], "the values")
    let reader = try await trial.reader(second, of: hub, after: events[4].position, grant: 10)
    try expectEqual(try await reader.next(5).ids, events[5...].ids, "the events")
  }

  static let rememberedIDs = Self("ids of messages are remembered for their window") { trial in
    let brokers = try await trial.brokers()
    let observer = try await trial.observers(of: brokers).store
    // As the runtime names the queues of another broker.
    let (scope, other) = ("\(trial.hub("queue"))@", "\(trial.hub("other"))@eu")
    let ids = (0..<1200).map { "m\($0)" }
    try expectEqual(try await observer.remembered(of: ids, in: scope), [], "what is remembered at first")
    try await brokers.store.remember(Array(ids[..<1100]), in: scope, for: .seconds(60))
    try await brokers.store.remember(["m1150"], in: other, for: .seconds(60))
    try expectEqual(try await observer.remembered(of: ids, in: scope), Set(ids[..<1100]), "what is remembered")
    try expectEqual(try await observer.remembered(of: ids, in: other), ["m1150"], "what the other scope remembers")
    try expectEqual(try await observer.remembered(of: [], in: other), [], "what is remembered of no ids")
    try await brokers.store.remember(["brief", "m7"], in: scope, for: .milliseconds(500))
    try await trial.eventually("the brief ones are forgotten") {
      try await observer.remembered(of: ["brief", "m7", "m8"], in: scope) == ["m8"]
    }
    try await brokers.store.remember(["brief"], in: scope, for: .seconds(60))
    try expectEqual(try await observer.remembered(of: ["brief"], in: scope), ["brief"], "what is remembered again")
  }
}
