import Martlet

extension HubConformance.Case {
  static let losses = [deletedBeneath, recreatedEmpty, recreatedFull, ungranted]

  static let deletedBeneath = Self("a reader is told that its hub was deleted") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let events = try await trial.publish(5, to: hub, on: brokers)
    let waiting = try await trial.reader(brokers, of: hub, after: events[4].position, grant: 10)
    try await waiting.nothing(for: .milliseconds(200), because: "all is read")
    try await trial.observers(of: brokers).log.delete(hub: hub)
    try expectEqual(try await waiting.loss(), .deleted, "the end of the waiting reader")
    try await trial.expectDeleted(HubPartition(hub: hub, number: 0), on: brokers)
  }

  static let recreatedEmpty = Self("a position in a hub that was made again, and is shorter now, is told") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let events = try await trial.publish(5, to: hub, on: brokers)
    try await brokers.log.delete(hub: hub)
    _ = try await brokers.log.declare(HubDeclaration(name: hub))
    let empty = try await trial.reader(brokers, of: hub, after: events[4].position, grant: 10)
    // Where events are not counted, an empty partition cannot be told from one that does not answer.
    if !trial.features.countsEvents { try await trial.publish(2, to: hub, prefix: "new", on: brokers) }
    try expectEqual(try await empty.loss(), .recreated, "the end of a reader of an empty partition")
    if trial.features.countsEvents { try await trial.publish(2, to: hub, prefix: "new", on: brokers) }
    let shorter = try await trial.reader(brokers, of: hub, after: events[4].position, grant: 10)
    try expectEqual(try await shorter.loss(), .recreated, "the end of a reader of a shorter partition")
  }

  static let ungranted = Self("nothing is told before something was granted, nor is a loss") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let events = try await trial.publish(5, to: hub, on: brokers)
    try await brokers.log.delete(hub: hub)
    try await trial.publish(2, to: hub, prefix: "new", on: brokers)
    let reader = try await trial.reader(brokers, of: hub, after: events[1].position)
    try await reader.nothing(for: .milliseconds(1200), because: "nothing was granted")
    reader.grant(1)
    try expectEqual(try await reader.loss(), .recreated, "the end of the reader")
    let late = try await trial.reader(brokers, of: hub, grant: 1)
    try expectEqual(try await late.one().message.id, "new0", "the first event of the new hub")
    try await brokers.log.delete(hub: hub)
    try await late.nothing(for: .milliseconds(1200), because: "what was granted is used up")
    late.grant(1)
    try expectEqual(try await late.loss(), .deleted, "the end of the late reader")
  }

  static let recreatedFull = Self("a position in a hub that was made again, and is longer now, is told") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let events = try await trial.publish(5, to: hub, on: brokers)
    try await brokers.log.delete(hub: hub)
    let new = try await trial.publish(50, to: hub, prefix: "new", on: brokers)
    let reader = try await trial.reader(brokers, of: hub, after: events[2].position, grant: 10)
    try expectEqual(try await reader.loss(), .recreated, "the end of the reader")
    let right = try await trial.reader(brokers, of: hub, after: new[2].position, grant: 1)
    try expectEqual(try await right.one().message.id, "new3", "the event behind a position in the new hub")
  }
}
