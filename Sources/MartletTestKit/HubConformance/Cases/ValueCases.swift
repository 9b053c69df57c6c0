import Martlet

extension HubConformance.Case {
  static let values = [keyedValues, separateValues]

  static let keyedValues = Self("values of keys are kept, replaced and removed by commits") { trial in
    let brokers = try await trial.brokers()
    let observer = try await trial.observers(of: brokers).store
    let partition = GroupPartition(group: trial.group(of: trial.hub()), number: 0)
    let epoch = try await trial.claim(partition, on: brokers.store).epoch
    var expected: [String: Bytes] = [
      "": Bytes("of the empty key"), "a": Bytes("1"), "grüße \u{1F426}": Bytes([0, 255, 10, 13]), "empty": Bytes(),
      "big": Bytes.unrepeating(200_000), String(repeating: "long", count: 100): Bytes("x"),
    ]
    for number in 0..<300 { expected["key-\(number)"] = Bytes("\(number)") }
    let keys = Array(expected.keys) + ["unknown"]
    try expectEqual(try await observer.values(of: keys, in: partition), [:], "the values before the first commit")
    try expectEqual(try await observer.values(of: [], in: partition), [:], "the values of no keys")
    let changes: [[String: Bytes?]] = [
      expected.mapValues { $0 },
      ["a": Bytes("2"), "empty": nil, "unknown": nil, "key-7": Bytes([0])],
      ["empty": Bytes("again"), "a": nil, "new": Bytes("n")],
    ]
    for (index, change) in changes.enumerated() {
      try await trial.expectApplied(
        PartitionCommit(partition: partition, epoch: epoch, number: UInt64(index + 1), values: change),
        on: brokers.store)
      if index > 0 { for (key, value) in change { expected[key] = value } }
      let found = try await observer.values(of: keys + ["new"], in: partition)
      try expectEqual(found.keys.sorted(), expected.keys.sorted(), "the keys with values")
      try expect(found == expected, "the values after commit \(index + 1) are others than those written")
    }
    let few = try await observer.values(of: ["key-1", "key-2", "absent"], in: partition)
    try expectEqual(few, ["key-1": Bytes("1"), "key-2": Bytes("2")], "some values")
  }

  static let separateValues = Self("values belong to one partition of one group") { trial in
    let store = try await trial.brokers().store
    let hub = trial.hub()
    let partitions = [
      GroupPartition(group: trial.group("a", of: hub), number: 0),
      GroupPartition(group: trial.group("a", of: hub), number: 1),
      GroupPartition(group: trial.group("b", of: hub), number: 0),
      GroupPartition(group: trial.group("a", of: trial.hub("other")), number: 0),
    ]
    for partition in partitions {
      let epoch = try await trial.claim(partition, on: store).epoch
      try await trial.expectApplied(
        PartitionCommit(
          partition: partition, epoch: epoch, number: 1, values: ["k": Bytes(partition.description)]), on: store)
    }
    for partition in partitions {
      let values = try await store.values(of: ["k"], in: partition)
      try expectEqual(values, ["k": Bytes(partition.description)], "the values of \(partition)")
    }
  }
}
