import Foundation
import Martlet

extension BrokerConformance.Case {
  static let delays = [delayAccuracy, delayedOutput, pastIsNow, delayedCounts, delayOutlives, timeToLive]

  static let delayAccuracy = Self("delayed messages come in their time: never before, and hardly after") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    let receiver = try await trial.receiver(broker, on: queue, prefetch: 100)
    // What a broker has to make for the first delay is not part of the accuracy.
    try await broker.publish(
      [OutgoingMessage(to: .queue(queue), body: Bytes("x"), id: "first", deliverAt: Date().addingTimeInterval(0.1))])
    try await receiver.settle(.complete(receiver.one().receipt))
    // A machine that is busy makes a round late; a broker that is not accurate is late in each.
    var medians: [Double] = []
    for round in 1...5 {
      medians.append(try await medianLateness(round, trial, broker, queue, receiver))
      if medians[round - 1] < trial.features.delayPrecision / .seconds(1) { return }
    }
    throw ConformanceFailure("in each round half of the messages came more than so many seconds too late: \(medians)")
  }

  /// Sends delayed messages, each of which has to come, and never too early; how late half of them are, in seconds.
  private static func medianLateness(
    _ round: Int, _ trial: Trial, _ broker: any BrokerAdministration, _ queue: String, _ receiver: Receiver
  ) async throws -> Double {
    let now = Date()
    // Not in the order of their times, so that a late one cannot hide behind an early one.
    let delays = [2.0, 0.3, 1.1, 0.7, 1.6, 0.05, 2.4, 0.9, 0.301, 1.35]
    try await broker.publish(
      delays.enumerated().map { index, delay in
        OutgoingMessage(
          to: .queue(queue), body: Bytes("x"), id: "m\(round).\(index)", deliverAt: now.addingTimeInterval(delay))
      })
    var (came, lateness): (Set<Int>, [Double]) = ([], [])
    for _ in delays {
      let delivery = try await receiver.one()
      let index = Int(delivery.message.id.split(separator: ".").last ?? "") ?? 0
      let late = Date().timeIntervalSince(now) - delays[index]
      came.insert(index)
      // A broker's clock counts milliseconds.
      try expect(late > -0.002, "a message delayed by \(delays[index]) s came \(-late) s too early")
      try expect(
        late < trial.suite.promptness / .seconds(1), "a message delayed by \(delays[index]) s came \(late) s too late")
      lateness.append(late)
      try expectEqual(delivery.attempt, 1, "the attempt of a delayed message")
      try await receiver.settle(.complete(delivery.receipt))
    }
    try expectEqual(came.count, delays.count, "the number of different messages")
    return lateness.sorted()[delays.count / 2]
  }

  static let delayedOutput = Self("a delayed output of a commit waits for its time") { trial in
    let (broker, input, output) = (try await trial.broker(), trial.queue("in"), trial.queue("out"))
    try await broker.publish([.text("m1", to: input)])
    let receiver = try await trial.receiver(broker, on: input, prefetch: 1)
    let outputs = try await trial.receiver(broker, on: output, prefetch: 5)
    var group = CommitGroup()
    let due = Date().addingTimeInterval(1)
    var later = OutgoingMessage.text("later", to: output)
    later.deliverAt = due
    group.append(
      settlement: .complete(try await receiver.one().receipt), outputs: [later, .text("now", to: output)])
    try await receiver.expectApplied(group)
    try expectEqual(try await outputs.one().message.id, "now", "the first output")
    try expectEqual(try await outputs.one().message.id, "later", "the second output")
    try expect(Date().timeIntervalSince(due) > -0.002, "the delayed output came before its time")
  }

  static let pastIsNow = Self("a time in the past is now") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    let receiver = try await trial.receiver(broker, on: queue, prefetch: 5)
    let start = ContinuousClock.now
    try await broker.publish(
      [-86_400.0, -0.5, -1e9].enumerated().map { index, delay in
        OutgoingMessage(
          to: .queue(queue), body: Bytes("x"), id: "m\(index)", deliverAt: Date().addingTimeInterval(delay))
      })
    _ = try await receiver.next(3)
    let time = ContinuousClock.now - start
    try expect(time < trial.suite.promptness, "messages that are due should come at once; it took \(time)")
  }

  static let delayedCounts = Self("delayed messages are counted, and deleted with their queue") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    try await broker.publish(
      (0..<4).map {
        OutgoingMessage(
          to: .queue(queue), body: Bytes("x"), id: "m\($0)", deliverAt: Date().addingTimeInterval(3600))
      })
    let receiver = try await trial.receiver(broker, on: queue, prefetch: 5)
    if trial.features.countsDelayed {
      try await trial.eventually("4 messages are delayed") {
        try await trial.counts(of: queue, on: broker) == QueueCounts(delayed: 4)
      }
    }
    try await receiver.nothing(for: .milliseconds(200), because: "the messages are an hour away")
    await receiver.close()
    try await broker.delete(queue: queue)
    if trial.features.countsDelayed {
      try expectEqual(try await trial.counts(of: queue, on: broker), QueueCounts(), "the counts of a deleted queue")
    }
  }

  static let delayOutlives = Self("a delayed message outlives its sender", needs: [.persistence]) { trial in
    let queue = trial.queue()
    let first = try await trial.broker("first")
    let due = Date().addingTimeInterval(1)
    var message = OutgoingMessage.text("m1", to: queue)
    message.deliverAt = due
    try await first.publish([message, .text("m0", to: queue)])
    await first.close(deadline: trial.deadline)
    let receiver = try await trial.receiver(try await trial.broker("second"), on: queue, prefetch: 5)
    while try await receiver.one().message.id != "m1" {}
    try expect(Date().timeIntervalSince(due) > -0.002, "the delayed message came before its time")
  }

  static let timeToLive = Self("a message says when its time to live ends") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    let before = Date()
    var (long, delayed) = (OutgoingMessage.text("long", to: queue), OutgoingMessage.text("delayed", to: queue))
    long.timeToLive = .seconds(3600)
    delayed.timeToLive = .seconds(60)
    delayed.deliverAt = before.addingTimeInterval(0.5)
    try await broker.publish([long, .text("none", to: queue), delayed])
    let receiver = try await trial.receiver(broker, on: queue, prefetch: 3)
    let ends = Dictionary(
      uniqueKeysWithValues: try await receiver.next(3).map { ($0.message.id, $0.message.expiresAt) })
    let passed = Date().timeIntervalSince(before)
    try expect(ends["none"] == .some(nil), "a message without time to live should not end")
    for (id, expected) in [("long", 3600.0), ("delayed", 60.5)] {
      guard let end = ends[id] ?? nil else { throw ConformanceFailure("the message \(id) does not say when it ends") }
      let seconds = end.timeIntervalSince(before)
      // It may have been taken in by the broker at any time until it was handed out.
      try expect(
        (expected - 1...expected + passed + 1).contains(seconds),
        "the message \(id) should end after \(expected) s, not \(seconds) s")
    }
  }
}
