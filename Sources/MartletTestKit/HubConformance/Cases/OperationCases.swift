import Foundation
import Martlet

extension HubConformance.Case {
  static let operations = [looking, moving, leavingOut, gapsSeen, noted]

  static let looking = Self("an operator sees owners, epochs, checkpoints, and what waits") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let operations = try HubOperations(hub: hub, broker: brokers.log, store: brokers.store)
    try await trial.expectRefusal(.notFound, of: "a look at a hub that does not exist") {
      _ = try await operations.groups()
    }
    let events = try await trial.publish(10, to: hub, on: brokers)
    try expectEqual(try await operations.groups(), [], "the groups of a new hub")
    try await trial.expectRefusal(.notFound, of: "a look at a group that does not exist") {
      _ = try await operations.group("nobody")
    }
    let group = trial.group("detect", of: hub)
    let partition = GroupPartition(group: group, number: 0)
    let own = try await trial.claim(partition, as: "owner", on: brokers.store)
    let before = try await operations.group("detect").partitions[0]
    try expectEqual([before.owner, "\(before.epoch)"], ["owner", "\(own.epoch)"], "owner and epoch")
    try expectEqual(before.position, nil, "the position before the first commit")
    try expectEqual(before.lag.oldest, events[0].offset, "the oldest event before the first commit")
    var position = events[3].position
    position.finished = [events[4].offset, events[6].offset]
    try await trial.expectApplied(
      PartitionCommit(partition: partition, epoch: own.epoch, number: 1, position: position), on: brokers.store)
    let after = try await operations.groups()
    try expectEqual(after.map(\.group), [group], "the groups")
    let status = after[0].partitions[0]
    try expectEqual(status.checkpoint, events[3].offset, "the checkpoint")
    try expectEqual(status.lag.oldest, events[5].offset, "the oldest event that waits")
    try expectEqual(status.lag.oldestEnqueuedAt, events[5].message.enqueuedAt, "its time")
    try expect(status.lag.age() ?? .seconds(-1) >= .zero, "its age should be known, and not below zero")
    try expectEqual(status.lag.loss, nil, "what is lost")
    try expect(
      status.lag.count == 4 || (status.lag.count > 4 && !trial.features.hasDenseSequence),
      "4 events wait; the lag was \(status.lag.count)")
    try await trial.expectApplied(
      PartitionCommit(partition: partition, epoch: own.epoch, number: 2, position: events[9].position),
      on: brokers.store)
    try expectEqual(try await operations.group("detect").partitions[0].lag, EventLag(count: 0), "the lag at the end")
  }

  static let moving = Self("a group is moved by hand, and its owner can commit nothing more") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let events = try await trial.publish(10, to: hub, on: brokers)
    let operations = try HubOperations(hub: hub, broker: brokers.log, store: brokers.store)
    let partition = GroupPartition(group: trial.group("detect", of: hub), number: 0)
    try await trial.expectRefusal(.notFound, of: "a move of a group that does not exist") {
      try await operations.rewind("detect", to: .start)
    }
    let targets: [(RewindTarget, first: String?)] = [
      (.start, "e0"), (.end, nil), (.offset(events[6].offset), "e6"), (.enqueuedTime(.distantPast), "e0"),
      (.offset(events[0].offset), "e0"), (.offset(EventOffset(high: 1 << 60, low: 1 << 60)), nil),
    ]
    for (target, first) in targets {
      let own = try await trial.claim(partition, on: brokers.store)
      var position = events[3].position
      position.finished = [events[5].offset]
      let commit = PartitionCommit(partition: partition, epoch: own.epoch, number: 1, position: position)
      try await trial.expectApplied(commit, on: brokers.store)
      try await operations.rewind("detect", partitions: [0], to: target)
      try await trial.expectLost(
        PartitionCommit(partition: partition, epoch: own.epoch, number: 2, position: events[9].position),
        "a commit after the move", on: brokers.store)
      let record = try await trial.record(of: partition, in: brokers.store)
      try expectEqual(record.owner, nil, "the owner after the move")
      try expect(record.epoch > own.epoch, "the epoch should grow with a move")
      try expectEqual(record.position?.finished, [], "what is finished above the new checkpoint")
      guard let moved = record.position else { throw ConformanceFailure("a group that was moved has a position") }
      let reader = try await trial.reader(brokers, of: hub, after: moved, grant: 1)
      if let first {
        try expectEqual(try await reader.one().message.id, first, "the first event after a move to \(target)")
      } else {
        try await reader.nothing(for: .milliseconds(200), because: "a move to \(target) passes over everything")
      }
      await reader.close()
    }
    try await trial.expectRefusal(.configuration, of: "one offset for all partitions") {
      try await operations.rewind("detect", to: .offset(events[6].offset))
    }
    try await trial.expectRefusal(.notFound, of: "a partition that does not exist") {
      try await operations.rewind("detect", partitions: [0, 99], to: .start)
    }
  }

  static let leavingOut = Self("an event is left out by hand, and nothing that was committed is undone") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let events = try await trial.publish(10, to: hub, on: brokers)
    let operations = try HubOperations(hub: hub, broker: brokers.log, store: brokers.store)
    let partition = GroupPartition(group: trial.group("detect", of: hub), number: 0)
    let own = try await trial.claim(partition, on: brokers.store, afterDeath: true)
    // Before the first commit, the group is at the start.
    try expect(try await operations.skip(events[4].offset, partition: 0, of: "detect"), "e4 should be left out")
    try await trial.expectLost(
      PartitionCommit(partition: partition, epoch: own.epoch, number: 1, position: events[3].position),
      "a commit after the event was left out", on: brokers.store)
    let next = try await trial.claim(partition, on: brokers.store)
    try expectEqual(next.position?.checkpoint, nil, "the checkpoint of a group that has done nothing")
    try expectEqual(next.position?.finished, [events[4].offset], "what is finished above it")
    try expectEqual(next.deaths, own.deaths, "the number of deaths")
    var position = events[2].position
    position.finished = [events[4].offset, events[7].offset]
    var commit = PartitionCommit(partition: partition, epoch: next.epoch, number: 1, position: position)
    commit.deaths = 2
    commit.suspect = SuspectEvent(offset: events[6].offset, attempt: 3)
    try await trial.expectApplied(commit, on: brokers.store)
    try expect(try await operations.skip(events[6].offset, partition: 0, of: "detect"), "e6 should be left out")
    let record = try await trial.record(of: partition, in: brokers.store)
    position.finished = [events[4].offset, events[6].offset, events[7].offset]
    try expectEqual(record.position, position, "the position")
    try expectEqual(record.owner, nil, "the owner")
    try expectEqual(record.deaths, 2, "the number of deaths")
    try expectEqual(record.suspect, nil, "the suspect, which was left out")
    for done in [events[6], events[4], events[2], events[0]] {
      try expect(
        try await !operations.skip(done.offset, partition: 0, of: "detect"), "\(done.message.id) has its outcome")
    }
    try expectEqual(try await trial.record(of: partition, in: brokers.store), record, "the record")
    try await trial.expectRefusal(.notFound, of: "an event that does not exist") {
      try await operations.skip(EventOffset(high: 1 << 60, low: 1 << 60), partition: 0, of: "detect")
    }
    try await trial.expectRefusal(.notFound, of: "a group that does not exist") {
      try await operations.skip(events[8].offset, partition: 0, of: "nobody")
    }
  }

  static let gapsSeen = Self("an operator sees what retention took from a group", needs: [.trimming]) { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let retention = HubRetention(count: 10)
    _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 1, retention: retention))
    let events = try await trial.publish(30, to: hub, on: brokers)
    let partition = GroupPartition(group: trial.group("detect", of: hub), number: 0)
    let own = try await trial.claim(partition, on: brokers.store)
    try await trial.expectApplied(
      PartitionCommit(partition: partition, epoch: own.epoch, number: 1, position: events[4].position),
      on: brokers.store)
    _ = try await brokers.log.trim(partition.partition)
    let operations = try HubOperations(hub: hub, broker: brokers.log, store: brokers.store)
    let lag = try await operations.group("detect").partitions[0].lag
    try expectEqual(lag.loss, .retentionGap(missing: 15), "what is lost")
    try expectEqual(lag.oldest, events[20].offset, "the oldest event that waits")
    try expectEqual(lag.count, 10, "how many wait")
  }

  static let noted = Self("a hub that is missing is made as it was noted") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    try expectEqual(try await brokers.log.partitionCount(of: hub), 0, "the partitions of a hub that does not exist")
    brokers.log.note(HubDeclaration(name: hub, partitionCount: 7))
    try await brokers.log.publish([.event("one", to: hub, key: "k")])
    try expectEqual(try await brokers.log.partitionCount(of: hub), 7, "the partitions of the hub that was made")
    let other = try await trial.observers(of: brokers).log
    other.note(HubDeclaration(name: hub, partitionCount: 5))
    try await trial.expectRefusal(.conflict, of: "an event for a hub that has another count") {
      try await other.publish([.event("two", to: hub, key: "k")])
    }
  }
}
