import Foundation
import Martlet

extension HubConformance.Case {
  static let retention = [
    trimByPublishers, trimByCount, trimByBytes, trimByAge, trimNothing, trimEverything, retentionGaps,
  ]

  static let trimByPublishers = Self(
    "who publishes looks after the retention of a hub that nobody reads", needs: [.trimming]
  ) { trial in
    let (brokers, hub, other) = (try await trial.brokers(), trial.hub(), trial.hub("other"))
    _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 1))
    for start in stride(from: 0, to: 12_000, by: 1_000) {
      // Together with events for another hub.
      let events = (start..<start + 1_000).map { OutgoingMessage.event("e\($0)", to: hub) }
      try await brokers.log.publish(events + [.event("o\(start)", to: other)])
    }
    // A limit that comes later holds as well.
    let setter = try await trial.observers(of: brokers).log
    _ = try await setter.declare(HubDeclaration(name: hub, retention: HubRetention(count: 10)))
    var number = 12_000
    try await trial.eventually("what is too much is removed") {
      try await brokers.log.publish([.event("e\(number)", to: hub), .event("o\(number)", to: other)])
      number += 1
      let bounds = try await brokers.log.bounds(of: hub)[0]
      guard let first = bounds.first, let last = bounds.last else { return false }
      let reader = try await trial.reader(
        brokers, of: hub, after: try await brokers.log.position(before: first, in: HubPartition(hub: hub, number: 0)),
        grant: 1)
      let oldest = try await reader.one()
      await reader.close()
      return oldest.sequenceNumber > 11_900 && last >= oldest.offset
    }
  }

  static let trimByCount = Self("a retention by count keeps the newest", needs: [.trimming]) { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let retention = HubRetention(count: 10)
    _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 2, retention: retention))
    let events = try await trial.publish(30, to: hub, on: brokers)
    try await trial.publish(5, to: hub, partition: 1, on: brokers)
    let partition = HubPartition(hub: hub, number: 0)
    try expectEqual(try await brokers.log.trim(partition), 20, "the number of events that went")
    try expectEqual(try await brokers.log.trim(partition), 0, "the number of events that went the second time")
    let bounds = try await trial.observers(of: brokers).log.bounds(of: hub)
    try expectEqual(bounds[0].first, events[20].offset, "the first event that is kept")
    try expectEqual(bounds[0].last, events[29].offset, "the last one")
    try expectEqual(bounds[0].tail.sequenceNumber, events[29].sequenceNumber, "the tail")
    if trial.features.countsEvents { try expectEqual(bounds.map(\.count), [10, 5], "the counts") }
    let start = try await brokers.log.position(before: .fromStart, in: partition)
    let reader = try await trial.reader(brokers, of: hub, after: start, grant: 20)
    let kept = try await reader.next(10)
    try expectEqual(kept.ids, events[20...].ids, "the events that are kept")
    try expectEqual(kept.map(\.sequenceNumber), events[20...].map(\.sequenceNumber), "their sequence numbers")
    try await brokers.log.publish([.event("next", to: hub, partition: 0)])
    let next = try await reader.one()
    try expectEqual(next.sequenceNumber, events[29].sequenceNumber + 1, "the sequence number of the next event")
  }

  static let trimByBytes = Self("a retention by bytes keeps the newest", needs: [.trimming]) { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let retention = HubRetention(bytes: 30_500)
    _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 1, retention: retention))
    let body = Bytes(Array(repeating: 1, count: 1000))
    let events = try await trial.publish(100, to: hub, body: body, on: brokers)
    let gone = try await brokers.log.trim(HubPartition(hub: hub, number: 0))
    // What else than the body is counted differs a little.
    try expect((70...80).contains(gone), "of 100 events of 1000 bytes 25 to 30 should be kept; \(gone) went")
    let bounds = try await brokers.log.bounds(of: hub)[0]
    try expectEqual(bounds.first, events[gone].offset, "the first event that is kept")
    try expectEqual(bounds.last, events[99].offset, "the last one")
  }

  static let trimByAge = Self("a retention by age keeps the newest", needs: [.trimming]) { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let retention = HubRetention(age: .seconds(2))
    _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 1, retention: retention))
    let partition = HubPartition(hub: hub, number: 0)
    try await trial.publish(10, to: hub, on: brokers)
    await trial.pass(.milliseconds(2500))
    let events = try await trial.publish(10, to: hub, prefix: "new", on: brokers)
    try expectEqual(try await brokers.log.trim(partition), 10, "the number of events that went")
    try expectEqual(try await brokers.log.bounds(of: hub)[0].first, events[0].offset, "the first event that is kept")
  }

  static let trimNothing = Self("without a limit nothing goes", needs: [.trimming]) { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 1))
    try await trial.publish(50, to: hub, on: brokers)
    try expectEqual(try await brokers.log.trim(HubPartition(hub: hub, number: 0)), 0, "the number of events that went")
    let wide = HubRetention(age: .seconds(3600), bytes: 1 << 30, count: 50)
    let other = trial.hub("wide")
    _ = try await brokers.log.declare(HubDeclaration(name: other, partitionCount: 1, retention: wide))
    let events = try await trial.publish(50, to: other, on: brokers)
    try expectEqual(
      try await brokers.log.trim(HubPartition(hub: other, number: 0)), 0, "the number of events within the limits")
    try expectEqual(try await brokers.log.bounds(of: other)[0].first, events[0].offset, "the first event")
  }

  static let trimEverything = Self("a partition that retention emptied goes on counting", needs: [.trimming]) { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let retention = HubRetention(age: .milliseconds(100))
    _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 1, retention: retention))
    let partition = HubPartition(hub: hub, number: 0)
    let events = try await trial.publish(10, to: hub, on: brokers)
    await trial.pass(.milliseconds(300))
    try expectEqual(try await brokers.log.trim(partition), 10, "the number of events that went")
    let bounds = try await brokers.log.bounds(of: hub)[0]
    try expectEqual(bounds.first, nil, "the first event of an empty partition")
    try expectEqual(bounds.last, nil, "the last event of an empty partition")
    try expectEqual(bounds.tail.sequenceNumber, 9, "the tail of a partition that had ten events")
    try expectEqual(bounds.tail.offset, events[9].offset, "the offset of that tail")
    var positions = [events[9].position]
    for start in [InitialOffset.fromStart, .fromEnd, .fromEnqueuedTime(.distantPast)] {
      positions.append(try await brokers.log.position(before: start, in: partition))
    }
    var readers: [EventReceiver] = []
    for position in positions { readers.append(try await trial.reader(brokers, of: hub, after: position, grant: 5)) }
    try await brokers.log.publish([.event("next", to: hub)])
    for reader in readers {
      let next = try await reader.one()
      try expectEqual(next.message.id, "next", "the next event")
      try expectEqual(next.sequenceNumber, 10, "its sequence number")
    }
  }

  static let retentionGaps = Self("a position that retention passed is told, with what is missing", needs: [.trimming])
  {
    trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let retention = HubRetention(count: 10)
    _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 1, retention: retention))
    let events = try await trial.publish(30, to: hub, on: brokers)
    _ = try await brokers.log.trim(HubPartition(hub: hub, number: 0))
    for (position, missing) in [
      (PartitionPosition(), 20), (events[0].position, 19), (events[5].position, 14), (events[18].position, 1),
    ] {
      let reader = try await trial.reader(brokers, of: hub, after: position, grant: 5)
      let loss = try await reader.loss()
      try expectEqual(
        loss, .retentionGap(missing: Int64(missing)), "the end of a reader behind \(position.eventID ?? "nothing")")
      await reader.close()
    }
    // The last one that went is no loss: what comes next is there.
    for index in [19, 20, 25] {
      let reader = try await trial.reader(brokers, of: hub, after: events[index].position, grant: 1)
      try expectEqual(try await reader.one().message.id, "e\(index + 1)", "the event behind \(index)")
      await reader.close()
    }
  }
}
