import Martlet

extension HubConformance.Case {
  static let commits = [sentAgain, gapInNumbers, pipelined, manyPartitions, refusedOutput]

  static let sentAgain = Self("a number that is sent again answers applied and writes nothing") { trial in
    let store = try await trial.brokers().store
    let partition = GroupPartition(group: trial.group(of: trial.hub()), number: 0)
    let epoch = try await trial.claim(partition, on: store).epoch
    let queue = trial.queue()
    for number: UInt64 in 1...3 {
      try await trial.expectApplied(.numbered(number, of: partition, epoch: epoch, to: queue), on: store)
    }
    // The last one, but also those before: they may have been on their way together.
    for number: UInt64 in [3, 1, 2, 3] {
      var again = PartitionCommit.numbered(number, of: partition, epoch: epoch, to: queue)
      again.values = ["k": Bytes("again")]
      try await trial.expectApplied(again, on: store)
    }
    let record = try await trial.record(of: partition, in: store)
    try expectEqual(record.lastCommit, 3, "the number of the last commit")
    try expectEqual(record.position?.sequenceNumber, 3, "the position")
    try expectEqual(try await store.values(of: ["k"], in: partition), ["k": Bytes("3")], "the value")
    try await trial.expectMessages(["out-1", "out-2", "out-3"], in: queue, of: store, "the outputs")
  }

  static let gapInNumbers = Self("a commit before which one is missing is not applied") { trial in
    let store = try await trial.brokers().store
    let partition = GroupPartition(group: trial.group(of: trial.hub()), number: 0)
    let epoch = try await trial.claim(partition, on: store).epoch
    let queue = trial.queue()
    try await trial.expectLost(
      .numbered(2, of: partition, epoch: epoch, to: queue), "number 2 without number 1", on: store)
    try await trial.expectApplied(.numbered(1, of: partition, epoch: epoch, to: queue), on: store)
    try await trial.expectLost(
      .numbered(3, of: partition, epoch: epoch, to: queue), "number 3 without number 2", on: store)
    let record = try await trial.record(of: partition, in: store)
    try expectEqual(record.lastCommit, 1, "the number of the last commit")
    try expectEqual(record.position?.sequenceNumber, 1, "the position")
    try expectEqual(try await store.values(of: ["k"], in: partition), ["k": Bytes("1")], "the value")
    try await trial.expectApplied(.numbered(2, of: partition, epoch: epoch, to: queue), on: store)
    try await trial.expectMessages(["out-1", "out-2"], in: queue, of: store, "the outputs")
  }

  static let pipelined = Self("commits that do not wait for each other are applied in their order") { trial in
    let store = try await trial.brokers().store
    let partition = GroupPartition(group: trial.group(of: trial.hub()), number: 0)
    let epoch = try await trial.claim(partition, on: store).epoch
    let queue = trial.queue()
    let answers = Observed<[CommitResult]>([])
    for number: UInt64 in 1...200 {
      store.commit(.numbered(number, of: partition, epoch: epoch, to: queue)) { result in
        answers.update { $0.append(result) }
      }
    }
    let all = await answers.wait(until: trial.deadline) { $0.count == 200 ? $0 : nil }
    guard let all else { throw ConformanceFailure("of 200 commits \(answers.value.count) were answered in time") }
    try expectEqual(all.count { if case .applied = $0 { true } else { false } }, 200, "the commits that were applied")
    let record = try await trial.record(of: partition, in: store)
    try expectEqual(record.lastCommit, 200, "the number of the last commit")
    try expectEqual(record.position?.sequenceNumber, 200, "the position")
    try await trial.expectMessages((1...200).map { "out-\($0)" }, in: queue, of: store, "the outputs")
  }

  static let manyPartitions = Self("commits of many partitions are applied side by side") { trial in
    let store = try await trial.brokers().store
    let group = trial.group(of: trial.hub())
    let queue = trial.queue()
    var epochs: [UInt64] = []
    for number in 0..<16 {
      let partition = GroupPartition(group: group, number: number)
      for _ in 0...number % 3 { _ = try await trial.claim(partition, on: store) }
      epochs.append(try await trial.claim(partition, on: store).epoch)
    }
    let answers = Observed<[CommitResult]>([])
    for number: UInt64 in 1...10 {
      for (index, epoch) in epochs.enumerated() {
        var commit = PartitionCommit.numbered(
          number, of: GroupPartition(group: group, number: index), epoch: epoch, to: queue)
        commit.outputs[0].id += "-\(index)"
        store.commit(commit) { result in answers.update { $0.append(result) } }
      }
    }
    let all = await answers.wait(until: trial.deadline) { $0.count == 160 ? $0 : nil }
    guard let all else { throw ConformanceFailure("of 160 commits \(answers.value.count) were answered in time") }
    try expectEqual(all.count { if case .applied = $0 { true } else { false } }, 160, "the commits that were applied")
    let records = try await store.records(of: group, partitionCount: 16)
    try expectEqual(records.map(\.lastCommit), Array(repeating: 10, count: 16), "the numbers of the last commits")
    let ids = (1...10).flatMap { number in (0..<16).map { "out-\(number)-\($0)" } }
    try await trial.expectMessages(ids, in: queue, of: store, "the outputs")
  }

  static let refusedOutput = Self("an output that cannot be sent refuses its commit, and the number stays free") {
    trial in
    let store = try await trial.brokers { $0.maxMessageBytes = 1000 }.store
    let partition = GroupPartition(group: trial.group(of: trial.hub()), number: 0)
    let epoch = try await trial.claim(partition, on: store).epoch
    let queue = trial.queue()
    let large = OutgoingMessage(to: .queue(queue), body: Bytes(Array(repeating: 1, count: 1001)), id: "large")
    for number: UInt64 in 1...2 {
      var commit = PartitionCommit.numbered(number, of: partition, epoch: epoch, to: queue)
      commit.outputs += [large, .text("more-\(number)", to: queue), large]
      commit.values["l"] = Bytes("refused")
      let result = try await trial.commit(commit, on: store)
      guard case .refused(let errors) = result else {
        throw ConformanceFailure("an output of 1001 bytes should be refused where the limit is 1000; it was \(result)")
      }
      try expect(
        errors.keys.contains(1) && Set(errors.keys).isSubset(of: [1, 3]),
        "the outputs 1 and 3 are too large; refused were \(errors.keys.sorted())")
      try expectEqual(errors[1]?.code, .tooLarge, "the code of the error")
      let record = try await trial.record(of: partition, in: store)
      try expectEqual(record.lastCommit, number - 1, "the number of the last commit")
      try expectEqual(record.position?.sequenceNumber, number == 1 ? nil : 1, "the position")
      try expectEqual(try await store.values(of: ["l"], in: partition), [:], "the values of a commit that was refused")
      try await trial.expectApplied(.numbered(number, of: partition, epoch: epoch, to: queue), on: store)
    }
    try await trial.expectMessages(["out-1", "out-2"], in: queue, of: store, "the outputs")
  }
}

extension PartitionCommit {
  /// A commit that leaves a trace of its number in everything that a commit can write.
  static func numbered(_ number: UInt64, of partition: GroupPartition, epoch: UInt64, to queue: String)
    -> PartitionCommit
  {
    PartitionCommit(
      partition: partition, epoch: epoch, number: number,
      position: PartitionPosition(
        checkpoint: EventOffset(low: number), sequenceNumber: Int64(number), eventID: "e\(number)"),
      outputs: [.text("out-\(number)", to: queue)], values: ["k": Bytes("\(number)")])
  }
}
