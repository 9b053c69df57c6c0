import Martlet

extension HubConformance.Case {
  static let ownership = [claims, racingClaims, deaths, released, movedByHand, movedUnclaimed]

  static let claims = Self("a claim raises the epoch, if it still is what the claimer saw") { trial in
    let brokers = try await trial.brokers()
    let observers = try await trial.observers(of: brokers)
    let group = trial.group(of: trial.hub())
    let partition = GroupPartition(group: group, number: 2)
    let empty = try await observers.store.records(of: group, partitionCount: 4)
    try expectEqual(empty, (0..<4).map { PartitionRecord(partition: $0) }, "the records of a group that is new")
    let first = try await brokers.store.claim(partition, as: "a", expecting: 0, afterDeath: false)
    try expectEqual(first, PartitionRecord(partition: 2, owner: "a", epoch: 1), "the record of the first claim")
    for epoch: UInt64 in [0, 2, 7] {
      let stale = try await observers.store.claim(partition, as: "b", expecting: epoch, afterDeath: false)
      try expectEqual(stale, nil, "a claim that expects epoch \(epoch)")
    }
    let second = try await observers.store.claim(partition, as: "b", expecting: 1, afterDeath: false)
    try expectEqual(second, PartitionRecord(partition: 2, owner: "b", epoch: 2), "the record of the second claim")
    let records = try await brokers.store.records(of: group, partitionCount: 4)
    try expectEqual(records.map(\.epoch), [0, 0, 2, 0], "the epochs")
    try expectEqual(records.map(\.owner), [nil, nil, "b", nil], "the owners")
  }

  static let racingClaims = Self("of racing claims one wins") { trial in
    let brokers = try await trial.brokers()
    let stores = [brokers.store, try await trial.observers(of: brokers).store]
    let group = trial.group(of: trial.hub())
    for round: UInt64 in 0..<4 {
      let winners = try await withThrowingTaskGroup(of: PartitionRecord?.self) { tasks in
        for number in 0..<8 {
          for member in 0..<6 {
            tasks.addTask {
              let partition = GroupPartition(group: group, number: number)
              return try await stores[member % 2].claim(
                partition, as: "m\(member)", expecting: round, afterDeath: false)
            }
          }
        }
        return try await tasks.reduce(into: []) { winners, record in winners += record.map { [$0] } ?? [] }
      }
      try expectEqual(winners.map(\.partition).sorted(), Array(0..<8), "the partitions that were claimed")
      try expectEqual(Set(winners.map(\.epoch)), [round + 1], "the new epochs")
      let records = try await stores[1].records(of: group, partitionCount: 8)
      try expectEqual(
        records.map(\.owner), winners.sorted { $0.partition < $1.partition }.map(\.owner), "the owners")
    }
  }

  static let deaths = Self("deaths of owners are counted until a commit clears them") { trial in
    let store = try await trial.brokers().store
    let partition = GroupPartition(group: trial.group(of: trial.hub()), number: 0)
    try expectEqual(try await trial.claim(partition, on: store).deaths, 0, "the deaths after a plain claim")
    try expectEqual(try await trial.claim(partition, on: store, afterDeath: true).deaths, 1, "after one death")
    let third = try await trial.claim(partition, on: store, afterDeath: true)
    try expectEqual(third.deaths, 2, "after two deaths")
    let suspect = SuspectEvent(offset: EventOffset(high: 17, low: 4), attempt: 3)
    try await trial.expectApplied(
      PartitionCommit(partition: partition, epoch: third.epoch, number: 1, deaths: 2, suspect: suspect), on: store)
    let fourth = try await trial.claim(partition, on: store, afterDeath: true)
    try expectEqual(fourth.deaths, 3, "after three deaths")
    try expectEqual(fourth.suspect, suspect, "the event that was singled out")
    try await trial.expectApplied(
      PartitionCommit(partition: partition, epoch: fourth.epoch, number: 1), on: store)
    let cleared = try await trial.record(of: partition, in: store)
    try expectEqual(cleared.deaths, 0, "the deaths that a commit cleared")
    try expectEqual(cleared.suspect, nil, "the event that was singled out, cleared")
  }

  static let released = Self("a partition that is released is free at once, and keeps what it knows") { trial in
    let brokers = try await trial.brokers()
    let store = try await trial.observers(of: brokers).store
    let partition = GroupPartition(group: trial.group(of: trial.hub()), number: 0)
    let mine = try await trial.claim(partition, as: "a", on: brokers.store)
    let position = PartitionPosition(checkpoint: EventOffset(low: 9), sequenceNumber: 9, eventID: "e9")
    try await trial.expectApplied(
      PartitionCommit(partition: partition, epoch: mine.epoch, number: 1, position: position), on: brokers.store)
    try await brokers.store.release(partition, epoch: mine.epoch)
    let free = try await trial.record(of: partition, in: store)
    try expectEqual(free.owner, nil, "the owner of a partition that was released")
    try expectEqual(free.position, position, "its position")
    let theirs = try await trial.claim(partition, as: "b", on: store)
    try expect(theirs.epoch > mine.epoch, "the epoch grows: \(theirs.epoch) after \(mine.epoch)")
    try expectEqual(theirs.position, position, "the position that the next owner finds")
    try expectEqual(theirs.lastCommit, 0, "the last commit of a new epoch")
    // Whoever released once, and does so again, releases nothing of others.
    try await brokers.store.release(partition, epoch: mine.epoch)
    try expectEqual(try await trial.record(of: partition, in: store).owner, "b", "the owner")
    try await trial.expectApplied(PartitionCommit(partition: partition, epoch: theirs.epoch, number: 1), on: store)
  }

  static let movedByHand = Self("a move by hand fences the owner") { trial in
    let brokers = try await trial.brokers()
    let operators = try await trial.observers(of: brokers).store
    let partition = GroupPartition(group: trial.group(of: trial.hub()), number: 1)
    let owner = try await trial.claim(partition, on: brokers.store)
    let position = PartitionPosition(
      checkpoint: EventOffset(low: 50), sequenceNumber: 50, eventID: "e50",
      finished: [53, 55].map { EventOffset(low: $0) })
    let suspect = SuspectEvent(offset: EventOffset(low: 51), attempt: 2)
    try await trial.expectApplied(
      PartitionCommit(
        partition: partition, epoch: owner.epoch, number: 1, position: position, values: ["k": Bytes("v")],
        suspect: suspect), on: brokers.store)
    let start = PartitionPosition(checkpoint: EventOffset(low: 3), sequenceNumber: 3, eventID: "e3")
    try await operators.move(partition, to: start)
    try await trial.expectLost(
      PartitionCommit(
        partition: partition, epoch: owner.epoch, number: 2, position: position, values: ["k": Bytes("stale")]),
      "a commit after a move by hand", on: brokers.store)
    let moved = try await trial.record(of: partition, in: brokers.store)
    try expect(moved.epoch > owner.epoch, "a move raises the epoch")
    try expectEqual(moved.owner, nil, "the owner after a move")
    try expectEqual(moved.position, start, "the position after a move")
    try expectEqual(moved.suspect, nil, "the event that was singled out, after a move")
    let next = try await trial.claim(partition, as: "next", on: brokers.store)
    try expectEqual(next.position, start, "the position that the next owner finds")
    try expectEqual(
      try await brokers.store.values(of: ["k"], in: partition), ["k": Bytes("v")], "what is known of a key")
    try await operators.move(partition, to: PartitionPosition())
    let beginning = try await trial.claim(partition, on: brokers.store)
    try expectEqual(beginning.position, PartitionPosition(), "the position after a move to the beginning")
  }

  static let movedUnclaimed = Self("a group may be moved before it ever claimed") { trial in
    let store = try await trial.brokers().store
    let partition = GroupPartition(group: trial.group(of: trial.hub()), number: 3)
    let position = PartitionPosition(checkpoint: EventOffset(high: 1_700_000_000_000, low: 2), sequenceNumber: 7)
    try await store.move(partition, to: position)
    let record = try await trial.record(of: partition, in: store)
    try expectEqual(record.position, position, "the position")
    try expect(record.epoch > 0, "a move raises the epoch")
    try expectEqual(try await trial.claim(partition, on: store).position, position, "the position of the first owner")
  }
}
