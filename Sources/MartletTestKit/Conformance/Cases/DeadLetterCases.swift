import Foundation
import Martlet

extension BrokerConformance.Case {
  static let deadLetters = [deadLetterKeepsAll, deadLettersInOrder]

  static let deadLetterKeepsAll = Self("a dead letter keeps its message and says why it is there") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    let trace = TraceContext.start()
    let sent = OutgoingMessage(
      to: .queue(queue), body: Bytes([0xff, 0, 1]), id: "bad", contentType: ContentType("image/png"), key: "k",
      headers: ["a": "1", "b": "ü"], trace: trace)
    try await broker.publish([sent])
    let receiver = try await trial.receiver(broker, on: queue, prefetch: 1)
    let reason = DeadLetterReason(
      code: .undecodable, function: "bill", errorType: "DecodingError", errorText: "line 1: \"ü\" is no number\n at 3",
      attempts: 4, source: .queue(queue), time: Date(timeIntervalSince1970: 1_700_000_000),
      traceID: trace.traceIDText)
    try await receiver.settle(.deadLetter(try await receiver.one(), reason))
    try await trial.eventually("one dead letter is counted") {
      try await trial.counts(of: queue, on: broker) == QueueCounts(dead: 1)
    }
    // Browsing removes nothing: twice the same.
    for _ in 0..<2 {
      let dead = try await broker.deadLetters(of: queue, limit: 10)
      try expectEqual(dead.count, 1, "the number of dead letters")
      let letter = dead[0]
      try expectEqual(letter.message.body, sent.body, "the body")
      try expectEqual(letter.message.id, "bad", "the id")
      try expectEqual(letter.message.contentType, sent.contentType, "the content type")
      try expectEqual(letter.message.key, "k", "the key")
      try expectEqual(letter.message.headers["a"]?.text, "1", "the header a")
      try expectEqual(letter.message.headers["b"]?.text, "ü", "the header b")
      try expectEqual(letter.message.trace, trace, "the trace context")
      try expectEqual(letter.reason, reason, "the reason")
    }
    try await trial.eventually("the dead letter is still there after a look") {
      try await broker.counts(of: queue).dead == 1
    }
    try await receiver.nothing(for: .milliseconds(200), because: "a dead letter is not delivered")
  }

  static let deadLettersInOrder = Self("dead letters are listed oldest first, up to the limit") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    try await broker.publish((0..<12).map { .text("m\($0)", to: queue) })
    let receiver = try await trial.receiver(broker, on: queue, prefetch: 12)
    let ids = (0..<12).map { "m\($0)" }
    let deliveries = try await receiver.next(12)
    for id in ids {
      guard let delivery = deliveries.first(where: { $0.message.id == id }) else { continue }
      try await receiver.settle(.deadLetter(delivery, .conformance(of: queue)))
    }
    let some = try await broker.deadLetters(of: queue, limit: 5)
    try expectEqual(some.map(\.message.id), Array(ids[..<5]), "the first five")
    let all = try await broker.deadLetters(of: queue, limit: 100)
    try expectEqual(all.map(\.message.id), ids, "all dead letters")
    try expectEqual(try await broker.deadLetters(of: queue + ".none", limit: 5).count, 0, "those of no queue")
  }
}

extension DeadLetterReason {
  static func conformance(of queue: String) -> DeadLetterReason {
    DeadLetterReason(
      code: .rejected, function: "conformance", errorType: nil, errorText: "set aside by the suite", attempts: 1,
      source: .queue(queue))
  }
}
