import Martlet

extension HubConformance.Case {
  static let owners = [killedOwners, wokenOwner]

  static let killedOwners = Self(
    "of owners that are killed in mid-stream every event has one effect, in order", needs: [.worker, .ownStore]
  ) { trial in
    let (brokers, hub, target) = (try await trial.brokers(), trial.hub(), trial.hub("target"))
    _ = try await brokers.log.declare(HubDeclaration(name: target, partitionCount: 1))
    try await trial.publish(1000, to: hub, on: brokers)
    let group = trial.group(of: hub)
    for _ in 0..<4 {
      let worker = try await trial.owner(of: group, target: target)
      guard await worker.next(100, where: { $0.hasPrefix("applied") }, until: trial.deadline) else {
        throw ConformanceFailure("the owner should commit; it said: \(worker.said.suffix(5))")
      }
      worker.kill()
    }
    _ = try await trial.owner(of: group, target: target)
    try await trial.eventually("the last event has its effect") {
      try await trial.record(of: GroupPartition(group: group, number: 0), in: brokers.store).position?.eventID == "e999"
    }
    try await trial.expectEvents((0..<1000).map { "out-e\($0)" }, in: target, of: brokers, "the effects")
    let record = try await trial.record(of: GroupPartition(group: group, number: 0), in: brokers.store)
    try expectEqual(record.epoch, 5, "the epoch after five owners")
    try expectEqual(record.deaths, 0, "the deaths that the commits cleared")
  }

  static let wokenOwner = Self("an owner that was stopped and wakes up can do no harm", needs: [.worker, .ownStore]) {
    trial in
    let (brokers, hub, target) = (try await trial.brokers(), trial.hub(), trial.hub("target"))
    _ = try await brokers.log.declare(HubDeclaration(name: target, partitionCount: 1))
    try await trial.publish(50, to: hub, on: brokers)
    let partition = GroupPartition(group: trial.group(of: hub), number: 0)
    let worker = try await trial.owner(of: partition.group, target: target)
    guard await worker.next(50, where: { $0.hasPrefix("applied") }, until: trial.deadline) else {
      throw ConformanceFailure("the owner should commit; it said: \(worker.said.suffix(5))")
    }
    try await worker.pause()
    // What it finds when it wakes up, and another one has done.
    try await trial.publish(50, to: hub, prefix: "more", on: brokers)
    let record = try await trial.claim(partition, as: "taker", on: brokers.store, afterDeath: true)
    try expectEqual(record.position?.eventID, "e49", "the event that the stopped owner finished last")
    try expectEqual(record.epoch, 2, "the epoch of the second owner")
    let reader = try await trial.reader(
      brokers, of: hub, after: record.position ?? PartitionPosition(), grant: 100)
    for (index, event) in try await reader.next(50).enumerated() {
      if index == 25 { worker.resume() }
      try await trial.expectApplied(
        .passing(event, on: partition, epoch: record.epoch, number: UInt64(index + 1), to: target), on: brokers.store)
    }
    guard await worker.next(where: { $0.hasPrefix("ownershipLost") }, until: trial.deadline) != nil else {
      throw ConformanceFailure("the commits of the woken owner should be refused; it said: \(worker.said.suffix(5))")
    }
    let ids = (0..<50).map { "out-e\($0)" } + (0..<50).map { "out-more\($0)" }
    try await trial.expectEvents(ids, in: target, of: brokers, "the effects")
    try expectEqual(
      worker.said.count { $0.hasPrefix("applied") }, 50, "the commits of the woken owner that were applied")
    let values = try await brokers.store.values(of: ["last"], in: partition)
    try expectEqual(values, ["last": Bytes("more49")], "the value of the last commit")
  }
}
