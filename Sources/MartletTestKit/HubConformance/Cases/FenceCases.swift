import Martlet

extension HubConformance.Case {
  static let fences = [staleEpoch, unclaimed, takeoverInPipeline]

  static let staleEpoch = Self("a commit of an old epoch leaves no trace") { trial in
    let brokers = try await trial.brokers()
    let observers = try await trial.observers(of: brokers)
    let partition = GroupPartition(group: trial.group(of: trial.hub()), number: 0)
    let queue = trial.queue()
    let old = try await trial.claim(partition, as: "old", on: brokers.store).epoch
    try await trial.expectApplied(.numbered(1, of: partition, epoch: old, to: queue), on: brokers.store)
    let new = try await trial.claim(partition, as: "new", on: observers.store, afterDeath: true)
    try expectEqual(new.position?.sequenceNumber, 1, "the position that the new owner finds")
    for epoch in [old, new.epoch + 1, 0] {
      for number: UInt64 in 1...3 {
        var stale = PartitionCommit.numbered(number + 10, of: partition, epoch: epoch, to: queue)
        stale.number = number
        stale.values["s"] = Bytes("stale")
        try await trial.expectLost(stale, "epoch \(epoch) where \(new.epoch) is the partition's", on: brokers.store)
      }
    }
    let record = try await trial.record(of: partition, in: brokers.store)
    try expectEqual(record, new, "the record")
    let values = try await brokers.store.values(of: ["k", "s"], in: partition)
    try expectEqual(values, ["k": Bytes("1")], "the values")
    try await trial.expectApplied(.numbered(1, of: partition, epoch: new.epoch, to: queue), on: observers.store)
    try await trial.expectMessages(["out-1", "out-1"], in: queue, of: brokers.store, "the outputs")
  }

  static let unclaimed = Self("a commit to a partition that nobody claimed is not applied") { trial in
    let store = try await trial.brokers().store
    let partition = GroupPartition(group: trial.group(of: trial.hub()), number: 0)
    for epoch: UInt64 in [0, 1] {
      try await trial.expectLost(
        .numbered(1, of: partition, epoch: epoch, to: trial.queue()), "a commit without a claim", on: store)
    }
    try expectEqual(
      try await trial.record(of: partition, in: store), PartitionRecord(partition: 0), "the record")
  }

  static let takeoverInPipeline = Self("of an owner that is taken over, what was applied is there, and nothing else") {
    trial in
    let brokers = try await trial.brokers()
    let taker = try await trial.observers(of: brokers).store
    let partition = GroupPartition(group: trial.group(of: trial.hub()), number: 0)
    let queue = trial.queue()
    let epoch = try await trial.claim(partition, as: "slow", on: brokers.store).epoch
    let answers = Observed<[CommitResult]>([])
    for number: UInt64 in 1...400 {
      brokers.store.commit(.numbered(number, of: partition, epoch: epoch, to: queue)) { result in
        answers.update { $0.append(result) }
      }
    }
    let taken = try await taker.claim(partition, as: "taker", expecting: epoch, afterDeath: true)
    guard let taken else { throw ConformanceFailure("the claim expects the right epoch and should succeed") }
    let all = await answers.wait(until: trial.deadline) { $0.count == 400 ? $0 : nil }
    guard let all else { throw ConformanceFailure("of 400 commits \(answers.value.count) were answered in time") }
    let applied = all.prefix { if case .applied = $0 { true } else { false } }.count
    let lost = all.count { if case .ownershipLost = $0 { true } else { false } }
    try expectEqual(applied + lost, 400, "the commits that were applied, up to one, and lost from there on")
    try expectEqual(Int(taken.position?.sequenceNumber ?? 0), applied, "the position that the taker found")
    let record = try await trial.record(of: partition, in: taker)
    try expectEqual(record, taken, "the record after the last stale commit")
    if applied > 0 {
      try await trial.expectMessages(
        (1...applied).map { "out-\($0)" }, in: queue, of: brokers.store, "the outputs")
    }
  }
}
