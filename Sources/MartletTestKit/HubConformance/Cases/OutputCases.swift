import Foundation
import Martlet

extension HubConformance.Case {
  static let outputs = [everythingAtOnce, hubToHub, staleOutputs, eventDeadLetters, refusedHubOutput]

  static let everythingAtOnce = Self(
    "outputs, values, position and finished events of a commit are all there for everybody", needs: [.ownStore]
  ) { trial in
    let (brokers, hub, target) = (try await trial.brokers(), trial.hub(), trial.hub("target"))
    let observers = try await trial.observers(of: brokers)
    _ = try await brokers.log.declare(HubDeclaration(name: target, partitionCount: 16))
    let events = try await trial.publish(8, to: hub, on: brokers)
    let group = trial.group(of: hub)
    let partition = GroupPartition(group: group, number: 0)
    let queue = trial.queue()
    let epoch = try await trial.claim(partition, on: brokers.store).epoch
    var position = events[2].position
    position.finished = [events[4].offset, events[6].offset]
    let suspect = SuspectEvent(offset: events[3].offset, attempt: 2)
    try expectEqual(
      Set([.queue(queue), .hub(target), group.deadLetters].map { brokers.log.commitDomain(for: $0) }),
      [brokers.store.storeDomain], "the domains of what goes into one commit")
    try await trial.expectApplied(
      PartitionCommit(
        partition: partition, epoch: epoch, number: 1, position: position,
        outputs: [
          .text("to-queue", to: queue), .event("keyed", to: target, key: "device-1"),
          .event("named", to: target, partition: 5), .deadLetter("dead", of: group),
        ], values: ["a": Bytes("1"), "b": Bytes("2")], deaths: 1, suspect: suspect), on: brokers.store)
    let record = try await trial.record(of: partition, in: observers.store)
    try expectEqual(
      record,
      PartitionRecord(
        partition: 0, owner: "owner", epoch: epoch, lastCommit: 1, position: position, deaths: 1, suspect: suspect),
      "the record")
    let values = try await observers.store.values(of: ["a", "b"], in: partition)
    try expectEqual(values, ["a": Bytes("1"), "b": Bytes("2")], "the values")
    try await trial.expectEvents(["keyed"], in: target, partition: 9, of: observers, "the event with a key")
    try await trial.expectEvents(["named"], in: target, partition: 5, of: observers, "the event with a partition")
    let dead = try await observers.log.deadLetters(of: group.description, limit: 10)
    try expectEqual(dead.map(\.message.id), ["dead"], "the dead letters")
    try await trial.expectMessages(["to-queue"], in: queue, of: observers.log, "the message in the queue")
  }

  static let hubToHub = Self("outputs of commits come to their hub in the order of the commits", needs: [.ownStore]) {
    trial in
    let (brokers, hub, target) = (try await trial.brokers(), trial.hub(), trial.hub("target"))
    _ = try await brokers.log.declare(HubDeclaration(name: target, partitionCount: 1))
    let reader = try await trial.reader(try await trial.observers(of: brokers), of: target, grant: 1000)
    let partition = GroupPartition(group: trial.group(of: hub), number: 0)
    let epoch = try await trial.claim(partition, on: brokers.store).epoch
    for number: UInt64 in 1...100 {
      let commit = PartitionCommit(
        partition: partition, epoch: epoch, number: number,
        outputs: (0..<3).map { .event("\(number)-\($0)", to: target, key: "k") })
      brokers.store.commit(commit) { _ in }
    }
    let expected = (1...100).flatMap { number in (0..<3).map { "\(number)-\($0)" } }
    try expectEqual(try await reader.next(300).ids, expected, "the outputs")
    // A hub that nobody declared is made by a commit too.
    let new = trial.hub("made-by-commit")
    try await trial.expectApplied(
      PartitionCommit(
        partition: partition, epoch: epoch, number: 101, outputs: [.event("first", to: new, partition: 3)]),
      on: brokers.store)
    try await trial.expectEvents(["first"], in: new, partition: 3, of: brokers, "the events of the new hub")
  }

  static let staleOutputs = Self("a commit of an old epoch sends nothing to hubs and dead letters", needs: [.ownStore])
  {
    trial in
    let (brokers, hub, target) = (try await trial.brokers(), trial.hub(), trial.hub("target"))
    _ = try await brokers.log.declare(HubDeclaration(name: target, partitionCount: 1))
    let group = trial.group(of: hub)
    let partition = GroupPartition(group: group, number: 0)
    let old = try await trial.claim(partition, on: brokers.store).epoch
    let new = try await trial.claim(partition, on: brokers.store).epoch
    let outputs = [OutgoingMessage.event("out", to: target), .deadLetter("dead", of: group)]
    for (epoch, number) in [(old, UInt64(1)), (new, 2)] {
      let stale = PartitionCommit(partition: partition, epoch: epoch, number: number, outputs: outputs)
      try await trial.expectLost(stale, "epoch \(epoch), number \(number)", on: brokers.store)
    }
    try expectEqual(try await brokers.log.bounds(of: target)[0].tail.sequenceNumber, -1, "the tail of the target")
    try expectEqual(
      try await brokers.log.deadLetters(of: group.description, limit: 10).count, 0, "the number of dead letters")
    for _ in 0..<2 {
      let commit = PartitionCommit(partition: partition, epoch: new, number: 1, outputs: outputs)
      try await trial.expectApplied(commit, on: brokers.store)
    }
    try await trial.expectEvents(["out"], in: target, of: brokers, "the events of a commit that was sent twice")
    try expectEqual(
      try await brokers.log.deadLetters(of: group.description, limit: 10).count, 1, "the number of dead letters")
  }

  static let eventDeadLetters = Self("the dead letters of a group keep their event and say why they are there") {
    trial in
    let brokers = try await trial.brokers()
    let group = trial.group(of: trial.hub())
    let partition = GroupPartition(group: group, number: 0)
    let epoch = try await trial.claim(partition, on: brokers.store).epoch
    var sent = OutgoingMessage.deadLetter("bad", of: group, body: Bytes([0xff, 0, 1]))
    sent.contentType = ContentType("image/png")
    sent.key = "k"
    sent.trace = .start()
    sent.headers["a"] = "ü"
    let outputs = [sent] + (0..<5).map { .deadLetter("more\($0)", of: group) }
    let observers = try await trial.observers(of: brokers)
    // As the runtime does: what the store's commit does not cover is published.
    let holder: any BrokerAdministration
    if brokers.log.commitDomain(for: group.deadLetters) == brokers.store.storeDomain {
      try await trial.expectApplied(
        PartitionCommit(partition: partition, epoch: epoch, number: 1, outputs: outputs), on: brokers.store)
      holder = observers.store
    } else {
      try await brokers.log.publish(outputs)
      holder = observers.log
    }
    let dead = try await holder.deadLetters(of: group.description, limit: 10)
    try expectEqual(dead.map(\.message.id), ["bad"] + (0..<5).map { "more\($0)" }, "the dead letters, oldest first")
    try expectDeadLetter(dead[0], of: group, as: sent)
    try expectEqual(try await holder.deadLetters(of: group.description, limit: 2).count, 2, "the first two")
    let other = trial.group("other", of: group.hub)
    try expectEqual(try await holder.deadLetters(of: other.description, limit: 2).count, 0, "those of another group")
    try await holder.delete(queue: group.description)
    try expectEqual(try await holder.deadLetters(of: group.description, limit: 2).count, 0, "those that were deleted")
  }

  private static func expectDeadLetter(
    _ letter: DeadLetter, of group: ConsumerGroup, as sent: OutgoingMessage
  ) throws {
    try expectEqual(letter.message.body, sent.body, "the body")
    try expectEqual(letter.message.contentType, sent.contentType, "the content type")
    try expectEqual(letter.message.key, "k", "the key")
    try expectEqual(letter.message.trace, sent.trace, "the trace context")
    try expectEqual(letter.message.headers["a"]?.text, "ü", "the header a")
    try expectEqual(letter.message.headers.count, 1, "the number of headers (\(letter.message.headers.map(\.name)))")
    try expectEqual(letter.reason.code, .attemptsExhausted, "the reason")
    try expectEqual(letter.reason.errorText, "set aside by the suite", "the text of the reason")
    try expectEqual(letter.reason.attempts, 5, "the attempts")
    try expectEqual(letter.reason.function, "conformance", "the function")
    try expectEqual(letter.reason.source, .hub(group.description), "the hub and the group")
    try expectEqual(letter.reason.partition, 3, "the partition")
    try expectEqual(letter.reason.offset, OutgoingMessage.offsetOfDeadLetter, "the offset")
  }

  static let refusedHubOutput = Self(
    "an output to a partition that is not there refuses its commit", needs: [.ownStore]
  ) { trial in
    let (brokers, hub, target) = (try await trial.brokers(), trial.hub(), trial.hub("target"))
    _ = try await brokers.log.declare(HubDeclaration(name: target, partitionCount: 2))
    let partition = GroupPartition(group: trial.group(of: hub), number: 0)
    let epoch = try await trial.claim(partition, on: brokers.store).epoch
    let commit = PartitionCommit(
      partition: partition, epoch: epoch, number: 1, position: PartitionPosition(),
      outputs: [.event("good", to: target, partition: 1), .event("bad", to: target, partition: 2)])
    guard case .refused(let errors) = try await trial.commit(commit, on: brokers.store) else {
      throw ConformanceFailure("an output to partition 2 of 2 should be refused")
    }
    try expectEqual(Array(errors.keys), [1], "the outputs that were refused")
    try expectEqual(errors[1]?.code, .configuration, "the code of the error")
    let record = try await trial.record(of: partition, in: brokers.store)
    try expectEqual(record.lastCommit, 0, "the number of the last commit")
    try expectEqual(record.position, nil, "the position")
    var right = commit
    right.outputs.removeLast()
    try await trial.expectApplied(right, on: brokers.store)
    try await trial.expectEvents(["good"], in: target, partition: 1, of: brokers, "the events")
  }
}

extension OutgoingMessage {
  /// The offset that dead letters of the suite name: one that Redis could have given, with both of its halves.
  static let offsetOfDeadLetter = EventOffset(high: 1_700_000_000_123, low: 7)

  /// An event that a group gave up.
  static func deadLetter(_ id: String, of group: ConsumerGroup, body: Bytes = Bytes("x")) -> OutgoingMessage {
    let reason = DeadLetterReason(
      code: .attemptsExhausted, function: "conformance", errorType: nil, errorText: "set aside by the suite",
      attempts: 5, source: .hub(group.description), partition: 3, offset: offsetOfDeadLetter)
    return OutgoingMessage(to: group.deadLetters, body: body, id: id, headers: Headers(reason.headers))
  }
}
