import Foundation
import Martlet

extension HubConformance.Case {
  static let publishing = [keyedEvents, namedPartitions, inTurn, thousandEvents, severalHubs, queueToHub]

  /// CRC-32 of the key modulo 16, as every other implementation must have it (Python: `zlib.crc32(key) % 16`).
  private static let goldenPartitions: [String: Int] = [
    "": 0, "a": 3, "device-1": 9, "device-2": 3, "sensor/7": 4, "Grüße": 1, "\u{1F426}": 1, "customer 7/ü": 10,
    String(repeating: "x", count: 300): 3, "0": 1, "machine_temperature_system_failure": 13,
  ]

  static let keyedEvents = Self("an event goes to the partition of its key") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 16))
    let keys = goldenPartitions.keys.sorted()
    // Before, beside and behind each other: the partition is the key's each time.
    for round in 0..<3 {
      try await brokers.log.publish(keys.map { .event("\(round)", to: hub, key: $0) })
    }
    for partition in 0..<16 {
      let expected = keys.filter { goldenPartitions[$0] == partition }
      let reader = try await trial.reader(brokers, of: hub, partition: partition, grant: 100)
      let events = try await reader.next(expected.count * 3)
      try expectEqual(
        events.map { $0.message.key ?? "none" }, expected + expected + expected, "the keys in partition \(partition)")
      await reader.close()
    }
    let tails = try await brokers.log.bounds(of: hub).map { $0.tail.sequenceNumber + 1 }
    if trial.features.hasDenseSequence { try expectEqual(tails.reduce(0, +), 33, "the number of events") }
  }

  static let namedPartitions = Self("an event goes to the partition that it names, whatever its key") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 3))
    try await brokers.log.publish((0..<9).map { .event("e\($0)", to: hub, partition: $0 % 3, key: "k\($0)") })
    for number in [-1, 3, 1_000_000] {
      let error = try await trial.expectRefusal(.configuration, of: "partition \(number) of 3") {
        try await brokers.log.publish([
          .event("no\(number)", to: hub, partition: number), .event("yes\(number)", to: hub, partition: 0),
        ])
      }
      try expect(error.message.contains("\(number)"), "the error should name the partition: \(error)")
    }
    try await trial.expectEvents(
      ["e0", "e3", "e6", "yes-1", "yes3", "yes1000000"], in: hub, of: brokers, "the events of partition 0")
    for partition in 1...2 {
      try await trial.expectEvents(
        ["e\(partition)", "e\(partition + 3)", "e\(partition + 6)"], in: hub, partition: partition, of: brokers,
        "the events of partition \(partition)")
    }
  }

  static let inTurn = Self("events without key and partition are spread evenly") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 4))
    for round in 0..<5 { try await brokers.log.publish((0..<8).map { .event("e\(round)-\($0)", to: hub) }) }
    for partition in 0..<4 {
      let reader = try await trial.reader(brokers, of: hub, partition: partition, grant: 100)
      _ = try await reader.next(10)
      try await reader.nothing(for: .milliseconds(100), because: "each of 4 partitions gets 10 of 40 events")
      await reader.close()
    }
  }

  static let thousandEvents = Self("thousands of events come in the order of their partition, each once") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 4))
    var sent: [Int: [String]] = [:]
    for start in stride(from: 0, to: 2000, by: 200) {
      let events = (start..<start + 200).map { OutgoingMessage.event("e\($0)", to: hub, key: "key-\($0 % 23)") }
      for event in events {
        sent[PartitionChoice.partition(of: event.key ?? "", count: 4), default: []].append(event.id)
      }
      try await brokers.log.publish(events)
    }
    for partition in 0..<4 {
      let expected = sent[partition] ?? []
      let reader = try await trial.reader(brokers, of: hub, partition: partition)
      var received: [Event] = []
      // In steps that fit no chunk.
      while received.count < expected.count {
        reader.grant(37)
        received += try await reader.next(min(37, expected.count - received.count))
      }
      try expectEqual(received.ids, expected, "the events of partition \(partition)")
      if trial.features.hasDenseSequence {
        try expectEqual(received.first?.sequenceNumber, 0, "the first sequence number of partition \(partition)")
      }
      try await reader.nothing(for: .milliseconds(50), because: "each event comes once")
      await reader.close()
    }
  }

  static let severalHubs = Self("one publish may go to several hubs and queues") { trial in
    let (brokers, queue) = (try await trial.brokers(), trial.queue())
    let hubs = [trial.hub("a"), trial.hub("b")]
    for hub in hubs { _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 1)) }
    try await brokers.log.publish(
      (0..<30).map { number in
        number % 3 == 2
          ? .text("m\(number)", to: queue) : .event("m\(number)", to: hubs[number % 3])
      })
    for (index, hub) in hubs.enumerated() {
      try await trial.expectEvents(
        (0..<10).map { "m\($0 * 3 + index)" }, in: hub, of: brokers, "the events of hub \(index)")
    }
    try await trial.expectMessages(
      (0..<10).map { "m\($0 * 3 + 2)" }, in: queue, of: brokers.log, "the messages of the queue")
  }

  static let queueToHub = Self("a commit of a queue's reader may send to hubs") { trial in
    let (brokers, queue, hub) = (try await trial.brokers(), trial.queue(), trial.hub())
    guard brokers.log.commitDomain(for: .queue(queue)) == brokers.log.commitDomain(for: .hub(hub)) else { return }
    _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 4))
    try await brokers.log.publish((0..<12).map { .text("m\($0)", to: queue) })
    let receiver = try await trial.queueReceiver(brokers.log, of: queue, prefetch: 12)
    var group = CommitGroup()
    let deliveries = try await receiver.next(12)
    for delivery in deliveries {
      let id = delivery.message.id
      group.append(
        settlement: .complete(delivery.receipt),
        outputs: [.event("named-\(id)", to: hub, partition: 2), .event("keyed-\(id)", to: hub, key: "device-1")])
    }
    try await receiver.expectApplied(group)
    try await trial.expectEvents(
      deliveries.ids.map { "named-\($0)" }, in: hub, partition: 2, of: brokers, "the outputs to partition 2")
    try await trial.expectEvents(
      deliveries.ids.map { "keyed-\($0)" }, in: hub, partition: 1, of: brokers, "the outputs of one key")
    try await receiver.nothing(for: .milliseconds(100), because: "the inputs are completed")
  }
}
