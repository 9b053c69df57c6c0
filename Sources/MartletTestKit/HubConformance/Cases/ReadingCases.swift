import Foundation
import Martlet

extension HubConformance.Case {
  static let reading = [
    grants, resume, emptyPartition, independentReaders, sixteenPartitions, closedReader, tails, missingPartition,
  ]

  static let grants = Self("a reader is never handed more than it was granted") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    try await trial.publish(100, to: hub, on: brokers)
    let reader = try await trial.reader(brokers, of: hub)
    try await reader.nothing(for: .milliseconds(200), because: "nothing was granted")
    var expected = 0
    for count in [1, 2, 7, 40] {
      reader.grant(count)
      try expectEqual(
        try await reader.next(count).ids, (expected..<expected + count).map { "e\($0)" }, "the events of a grant")
      expected += count
      try await reader.nothing(for: .milliseconds(100), because: "\(expected) events were granted")
    }
    // Grants add up, also beyond what is there.
    reader.grant(20)
    reader.grant(60)
    _ = try await reader.next(50)
    try await trial.publish(40, to: hub, prefix: "late", on: brokers)
    try expectEqual(try await reader.next(30).ids, (0..<30).map { "late\($0)" }, "the rest of the grants")
    try await reader.nothing(for: .milliseconds(200), because: "130 events were granted")
  }

  static let resume = Self("a reader resumes exactly behind its position") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let events = try await trial.publish(60, to: hub, on: brokers)
    let observers = try await trial.observers(of: brokers)
    for index in [0, 1, 17, 58] {
      for side in [brokers, observers] {
        let reader = try await trial.reader(side, of: hub, after: events[index].position, grant: 100)
        let rest = try await reader.next(59 - index)
        try expectEqual(rest.ids, events[(index + 1)...].ids, "the events behind \(events[index].message.id)")
        try expectEqual(rest.map(\.offset), events[(index + 1)...].map(\.offset), "their offsets")
        try expectEqual(
          rest.map(\.sequenceNumber), events[(index + 1)...].map(\.sequenceNumber), "their sequence numbers")
        await reader.close()
      }
    }
    let reader = try await trial.reader(brokers, of: hub, after: events[59].position, grant: 10)
    try await reader.nothing(for: .milliseconds(200), because: "the position is that of the last event")
    try await brokers.log.publish([.event("next", to: hub, partition: 0)])
    try expectEqual(try await reader.one().message.id, "next", "the event behind the last one")
  }

  static let emptyPartition = Self("a reader of an empty partition hears of the first event at once") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    _ = try await brokers.log.declare(HubDeclaration(name: hub))
    let reader = try await trial.reader(brokers, of: hub, partition: 2, grant: 100)
    let senders = try await trial.observers(of: brokers)
    try await reader.nothing(for: .milliseconds(300), because: "the partition is empty")
    for side in [senders, brokers, senders] {
      let start = ContinuousClock.now
      try await side.log.publish([.event("e1", to: hub, partition: 2)])
      _ = try await reader.one()
      let time = ContinuousClock.now - start
      try expect(time < trial.suite.promptness, "the event took \(time) to arrive")
    }
  }

  static let independentReaders = Self("readers of one partition do not disturb each other") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let events = try await trial.publish(300, to: hub, on: brokers)
    let observers = try await trial.observers(of: brokers)
    var readers: [EventReceiver] = []
    for index in 0..<10 {
      let side = index % 2 == 0 ? brokers : observers
      readers.append(try await trial.reader(side, of: hub, after: events[index].position, grant: 20 * index))
    }
    for (index, reader) in readers.enumerated() where index > 0 {
      let expected = events[(index + 1)...(index + 20 * index)]
      try expectEqual(try await reader.next(20 * index).ids, expected.ids, "the events of reader \(index)")
    }
    try await readers[0].nothing(for: .milliseconds(50), because: "nothing was granted to the first one")
    for reader in readers { await reader.close() }
  }

  static let sixteenPartitions = Self("sixteen partitions are read side by side; no event strays") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 16))
    var readers: [EventReceiver] = []
    for number in 0..<16 {
      readers.append(try await trial.reader(brokers, of: hub, partition: number, grant: 1000))
    }
    let senders = try await trial.observers(of: brokers)
    for round in 0..<20 {
      try await senders.log.publish((0..<64).map { .event("\(round)-\($0)", to: hub, partition: $0 % 16) })
    }
    for (number, reader) in readers.enumerated() {
      let expected = (0..<20).flatMap { round in
        stride(from: number, to: 64, by: 16).map { "\(round)-\($0)" }
      }
      try expectEqual(try await reader.next(80).ids, expected, "the events of partition \(number)")
    }
    for reader in readers { await reader.close() }
  }

  static let closedReader = Self("a reader that was closed is handed nothing more") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 1))
    let task = Task {
      for round in 0..<50 { try await brokers.log.publish((0..<20).map { .event("\(round)-\($0)", to: hub) }) }
    }
    for _ in 0..<20 {
      let reader = try await trial.reader(brokers, of: hub, grant: 1000)
      _ = try await reader.one()
      await reader.close()
      try reader.check()
    }
    let last = try await trial.reader(brokers, of: hub, grant: 1000)
    await last.close()
    await last.close()
    try await task.value
    await trial.pass(.milliseconds(100))
    try last.check()
  }

  static let tails = Self("bounds and tails say what a partition holds") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 3))
    let before = Date()
    let events = try await trial.publish(7, to: hub, partition: 1, on: brokers)
    let observers = try await trial.observers(of: brokers)
    // A broker may count a moment late.
    try await trial.eventually("the tail is the last event") {
      try await observers.log.bounds(of: hub)[1].tail.sequenceNumber == events[6].sequenceNumber
    }
    let bounds = try await observers.log.bounds(of: hub)
    try expectEqual(bounds.map(\.partition), [0, 1, 2], "the partitions")
    try expectEqual(bounds[1].first, events[0].offset, "the first offset")
    try expectEqual(bounds[1].last, events[6].offset, "the last offset")
    try expectEqual(bounds[1].tail.offset, events[6].offset, "the offset of the tail")
    if trial.features.countsEvents { try expectEqual(bounds.map(\.count), [0, 7, 0], "the counts") }
    for time in [bounds[1].firstEnqueuedAt, bounds[1].tail.enqueuedAt].compactMap({ $0 }) {
      try expect(abs(time.timeIntervalSince(before)) < 60, "it was enqueued at \(time), about \(before) was expected")
    }
    try expectEqual(bounds[2].last, nil, "the last event of an empty partition")
    try expectEqual(bounds[2].tail.offset, nil, "the offset of its tail")
    let reader = try await trial.reader(brokers, of: hub, partition: 1, grant: 3)
    _ = try await reader.next(3)
    if let tail = reader.tail {
      try expect(
        tail.sequenceNumber >= events[2].sequenceNumber && tail.sequenceNumber <= events[6].sequenceNumber,
        "the tail that came with the events is \(tail.sequenceNumber); the last event has \(events[6].sequenceNumber)")
      let last = events.first { $0.sequenceNumber == tail.sequenceNumber }
      try expectEqual(tail.offset, last?.offset, "the offset of that tail")
      if let time = tail.enqueuedAt { try expectEqual(time, last?.message.enqueuedAt, "the time of that tail") }
    }
  }

  static let missingPartition = Self("a partition that does not exist ends its reader") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub("absent"))
    try await trial.expectDeleted(HubPartition(hub: hub, number: 0), on: brokers)
    _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 2))
    try await trial.expectDeleted(HubPartition(hub: hub, number: 2), on: brokers)
    try expectEqual(try await brokers.log.bounds(of: hub).count, 2, "the number of partitions")
  }
}

extension HubTrial {
  /// Holds that a partition cannot be read: the call says so, or the reader ends.
  func expectDeleted(_ partition: HubPartition, on brokers: Brokers) async throws {
    do {
      let reader = try await reader(brokers, of: partition.hub, partition: partition.number, grant: 1)
      try expectEqual(try await reader.loss(), .deleted, "the end of a reader of \(partition)")
    } catch let error as BrokerError {
      try expectEqual(error.code, .notFound, "the code of the error (\(error))")
    }
  }
}
