import Foundation
import Martlet

extension BrokerConformance.Case {
  static let expiry = [expiresInQueue, expiresBehindDelay]

  static let expiresInQueue = Self("what expires while nobody reads becomes a dead letter, and is never run") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    let start = Date()
    // One at the head and one behind a message that lives on.
    try await broker.publish([
      .brief("head", to: queue, for: .milliseconds(300)), .brief("kept", to: queue, for: .seconds(3600)),
      .brief("behind", to: queue, for: .milliseconds(250)),
    ])
    let end = Date().addingTimeInterval(0.3)  // at the latest
    if trial.features.expiresUnread {
      try await trial.eventually("the message at the head is a dead letter although nobody reads") {
        try await broker.deadLetters(of: queue, limit: 10).contains { $0.message.id == "head" }
      }
      // A broker's clock counts milliseconds.
      try expect(Date().timeIntervalSince(start) > 0.298, "the message became a dead letter before its time")
    }
    try await trial.pass(end)
    try await trial.expectExpired(["behind", "head"], leaving: ["kept"], in: queue, of: broker)
  }

  static let expiresBehindDelay = Self("a time to live behind a delay begins with its end, and is kept to") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    let due = Date().addingTimeInterval(0.6)
    var (brief, kept, late) = (
      OutgoingMessage.brief("brief", to: queue, for: .milliseconds(300)),
      OutgoingMessage.brief("kept", to: queue, for: .seconds(3600)),
      // Shorter than its own delay: it lives behind it all the same.
      OutgoingMessage.brief("late", to: queue, for: .milliseconds(500))
    )
    (brief.deliverAt, kept.deliverAt, late.deliverAt) = (due, due, due.addingTimeInterval(3600))
    try await broker.publish([brief, kept, late])
    // On a busy machine it may have been sent when its time had come.
    let end = max(due, Date()).addingTimeInterval(0.3)
    if trial.features.expiresUnreadDelayed {
      try await trial.eventually("the delayed message is a dead letter although nobody reads") {
        try await broker.counts(of: queue).dead == 1
      }
    }
    try await trial.pass(end)
    try await trial.expectExpired(["brief"], leaving: ["kept"], in: queue, of: broker, delayed: 1)
  }
}

extension OutgoingMessage {
  /// A text message with a time to live.
  static func brief(_ id: String, to queue: String, for timeToLive: Duration) -> OutgoingMessage {
    var message = text(id, to: queue)
    message.timeToLive = timeToLive
    return message
  }
}

extension Trial {
  /// Lets time pass until a time of day: what ends by the clock tells nobody where the broker does not act on it.
  func pass(_ time: Date) async throws {
    // A broker's clock counts milliseconds.
    let rest = time.timeIntervalSinceNow + 0.02
    if rest > 0 { try await Task.sleep(for: .seconds(rest)) }
  }

  /// Reads a queue as the runtime does, which sets aside what it is handed too late, and holds that the dead letters
  /// are these, the runnable messages those, and that nothing else is left.
  func expectExpired(
    _ expired: Set<String>, leaving runnable: Set<String>, in queue: String, of broker: any BrokerAdministration,
    delayed: Int = 0
  ) async throws {
    let receiver = try await receiver(broker, on: queue, prefetch: 10)
    var run: Set<String> = []
    let counted = QueueCounts(delayed: features.countsDelayed ? delayed : 0, dead: expired.count)
    try await eventually("\(queue) holds \(expired.count) dead letters and nothing that could be run") {
      for delivery in await receiver.batch(until: .now + .milliseconds(50)) {
        let id = delivery.message.id
        guard let end = delivery.message.expiresAt, end <= Date() else {
          try expect(!expired.contains(id), "\(id) was handed out, as a message that may be run, after its time")
          try expect(run.insert(id).inserted, "\(id) came twice")
          try await receiver.settle(.complete(delivery.receipt))
          continue
        }
        try expectEqual(delivery.attempt, 1, "the attempt of \(id), which nobody ran")
        try await receiver.settle(.deadLetter(delivery, .expired(in: queue)))
      }
      return try await counts(of: queue, on: broker) == counted
    }
    try await receiver.nothing(for: .milliseconds(200), because: "what expired is a dead letter")
    try expectEqual(run, runnable, "what may be run")
    let letters = try await broker.deadLetters(of: queue, limit: 10)
    try expectEqual(Set(letters.map(\.message.id)), expired, "the dead letters")
    for letter in letters {
      try expectEqual(letter.reason.code, .expired, "the reason of \(letter.message.id)")
      try expectEqual(letter.reason.source, .queue(queue), "where \(letter.message.id) came from")
      try expectEqual(letter.message.body, Bytes(letter.message.id), "the body of \(letter.message.id)")
    }
  }
}

extension DeadLetterReason {
  static func expired(in queue: String) -> DeadLetterReason {
    DeadLetterReason(
      code: .expired, function: "conformance", errorType: nil, errorText: "received after its time to live",
      attempts: 0, source: .queue(queue))
  }
}
