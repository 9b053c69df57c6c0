import Foundation
import Martlet

extension HubConformance.Case {
  static let positions = [fromStart, fromEnd, fromTime]

  static let fromStart = Self("a group that begins at the start reads everything") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    _ = try await brokers.log.declare(HubDeclaration(name: hub))
    let partition = HubPartition(hub: hub, number: 0)
    let empty = try await brokers.log.position(before: .fromStart, in: partition)
    try expectEqual(empty, PartitionPosition(), "the start of an empty partition")
    try await trial.publish(5, to: hub, on: brokers)
    for position in [empty, try await brokers.log.position(before: .fromStart, in: partition)] {
      let reader = try await trial.reader(brokers, of: hub, after: position, grant: 10)
      try expectEqual(try await reader.next(5).ids, (0..<5).map { "e\($0)" }, "the events")
      await reader.close()
    }
    try await trial.expectRefusal(.notFound, of: "a position in a hub that does not exist") {
      let absent = HubPartition(hub: trial.hub("absent"), number: 0)
      _ = try await brokers.log.position(before: .fromStart, in: absent)
    }
  }

  static let fromEnd = Self("a group that begins at the end reads what is published from then on") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    _ = try await brokers.log.declare(HubDeclaration(name: hub))
    let partition = HubPartition(hub: hub, number: 0)
    for round in 0..<3 {
      let position = try await brokers.log.position(before: .fromEnd, in: partition)
      let reader = try await trial.reader(brokers, of: hub, after: position, grant: 10)
      try await reader.nothing(for: .milliseconds(100), because: "nothing was published since")
      let sender = try await trial.observers(of: brokers)
      try await sender.log.publish((0..<4).map { .event("\(round)-\($0)", to: hub, partition: 0) })
      let events = try await reader.next(4)
      try expectEqual(events.ids, (0..<4).map { "\(round)-\($0)" }, "the events")
      await reader.close()
      let end = try await brokers.log.position(before: .fromEnd, in: partition)
      try expectEqual(end.checkpoint, events[3].offset, "the checkpoint of the end")
      try expectEqual(end.sequenceNumber, events[3].sequenceNumber, "its sequence number")
      // Where the broker says which event it is, it is the right one.
      try expectEqual(end.eventID ?? events[3].message.id, events[3].message.id, "its event")
    }
  }

  static let fromTime = Self("a group may begin at a time") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: 1))
    let partition = HubPartition(hub: hub, number: 0)
    let past = Date().addingTimeInterval(-3600)
    let nothing = try await brokers.log.position(before: .fromEnqueuedTime(past), in: partition)
    try expectEqual(nothing, PartitionPosition(), "a time in an empty partition")
    var times: [Date] = []
    // Times of whole seconds are the coarsest that a broker keeps.
    for round in 0..<3 {
      try await trial.publish(10, to: hub, prefix: "\(round)-", on: brokers)
      await trial.pass(.milliseconds(1100))
      times.append(Date())
      await trial.pass(.milliseconds(1100))
    }
    for (time, first) in zip([past, times[0], times[1]], ["0-0", "1-0", "2-0"]) {
      let position = try await brokers.log.position(before: .fromEnqueuedTime(time), in: partition)
      let reader = try await trial.reader(brokers, of: hub, after: position, grant: 1)
      try expectEqual(try await reader.one().message.id, first, "the first event since \(time)")
      await reader.close()
    }
    let end = try await brokers.log.position(before: .fromEnqueuedTime(times[2]), in: partition)
    let reader = try await trial.reader(brokers, of: hub, after: end, grant: 10)
    try await reader.nothing(for: .milliseconds(200), because: "nothing was enqueued since")
    try await brokers.log.publish([.event("new", to: hub)])
    try expectEqual(try await reader.one().message.id, "new", "the first event since")
  }
}
