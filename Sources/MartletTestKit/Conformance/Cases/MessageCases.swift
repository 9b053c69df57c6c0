import Foundation
import Martlet

extension BrokerConformance.Case {
  static let messages = [
    oneMessage, manyMessages, bodies, bigBodies, properties, absentProperties, tooLargeSent, tooLargeReceived,
    queueMadeByPublish, verifiedQueue, counts, manyQueues, latePublish,
  ]

  static let oneMessage = Self("a published message is received once, as its first attempt") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    try await broker.declare(QueueDeclaration(name: queue))
    try await broker.publish([.text("m1", to: queue, body: "hello")])
    let receiver = try await trial.receiver(broker, on: queue, prefetch: 10)
    let delivery = try await receiver.one()
    try expectEqual(delivery.message.id, "m1", "the id")
    try expectEqual(delivery.message.body, Bytes("hello"), "the body")
    try expectEqual(delivery.attempt, 1, "the attempt")
    try expect(!delivery.isSuspect, "a first delivery is no suspect")
    try await receiver.settle(.complete(delivery.receipt))
    try await receiver.nothing(for: .milliseconds(200), because: "a completed message is gone")
    await receiver.close()
    let counts = try await trial.counts(of: queue, on: broker)
    try expectEqual(counts, QueueCounts(), "what is left in the queue")
  }

  static let manyMessages = Self("a thousand messages are received, each once") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    let ids = (0..<1000).map { "m\($0)" }
    for start in stride(from: 0, to: 1000, by: 250) {
      try await broker.publish(ids[start..<start + 250].map { .text($0, to: queue) })
    }
    let receiver = try await trial.receiver(broker, on: queue, prefetch: 100)
    var received: [String] = []
    let deadline = trial.deadline
    while received.count < 1000 {
      let batch = await receiver.batch(until: deadline)
      try expect(!batch.isEmpty, "1000 messages should come, \(received.count) came in time")
      received += batch.ids
      try await receiver.settle(batch.map { .complete($0.receipt) })
    }
    try expectEqual(Set(received).count, 1000, "the number of different messages")
    try await receiver.nothing(for: .milliseconds(200), because: "each message comes once")
    try expect(receiver.peakUnsettled <= 100, "the prefetch is 100; \(receiver.peakUnsettled) were unsettled")
  }

  static let bodies = Self("empty, binary and odd bodies arrive unchanged") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    let bodies: [Bytes] = [
      Bytes(), Bytes([0]), Bytes(Array(0...255)), Bytes([0xff, 0xfe, 0x80, 0, 0xc0]), Bytes("\r\n$5\r\nhello\r\n"),
      Bytes("{\"an\": \"object\"}"), Bytes(Array(repeating: 0, count: 100)), Bytes("ünïcödé \u{1F426}"),
    ]
    try await broker.publish(
      bodies.enumerated().map { OutgoingMessage(to: .queue(queue), body: $0.element, id: "m\($0.offset)") })
    try await trial.expectBodies(bodies, on: queue, of: broker)
  }

  static let bigBodies = Self("bodies of 1 B, 100 KiB and 8 MiB arrive unchanged") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    let bodies = [1, 100 << 10, 8 << 20].map { Bytes.unrepeating($0) }
    for (index, body) in bodies.enumerated() {
      try await broker.publish([OutgoingMessage(to: .queue(queue), body: body, id: "m\(index)")])
    }
    try await trial.expectBodies(bodies, on: queue, of: broker)
  }

  static let properties = Self("id, key, content type, headers and trace arrive as they were sent") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    let headers: Headers = [
      "plain": "text", "empty": "", "unicode": "grüße \u{1F426}", "with space": "a b\tc", "number": 42, "CaSe": "kept",
    ]
    let trace = TraceContext(traceID: .random(in: 1 ... .max), spanID: .random(in: 1 ... .max), state: "a=1,b=2")
    let id = "Id with spaces, \"quotes\" and ünïcode/" + String(repeating: "x", count: 120)
    try await broker.publish([
      OutgoingMessage(
        to: .queue(queue), body: Bytes("{}"), id: id, contentType: .json, key: "customer 7/ü", headers: headers,
        trace: trace)
    ])
    let before = Date()
    let message = try await trial.receiver(broker, on: queue, prefetch: 1).one().message
    try expectEqual(message.id, id, "the id")
    try expectEqual(message.contentType, .json, "the content type")
    try expectEqual(message.key, "customer 7/ü", "the key")
    for header in headers {
      try expectEqual(message.headers[header.name]?.text, header.value.text, "the header \"\(header.name)\"")
    }
    try expectEqual(message.headers.count, headers.count, "the number of headers (\(message.headers.map(\.name)))")
    try expectEqual(message.trace, trace, "the trace context")
    if let enqueued = message.enqueuedAt {
      try expect(
        abs(enqueued.timeIntervalSince(before)) < 60, "the time of sending is \(enqueued), about \(before) was expected"
      )
    }
  }

  static let absentProperties = Self("what the sender did not say is not made up") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    try await broker.publish([OutgoingMessage(to: .queue(queue), body: Bytes("x"), id: "m1")])
    let message = try await trial.receiver(broker, on: queue, prefetch: 1).one().message
    try expectEqual(message.contentType, nil, "the content type")
    try expectEqual(message.key, nil, "the key")
    try expectEqual(message.trace, nil, "the trace context")
    try expectEqual(message.expiresAt, nil, "the end of its time to live")
    try expectEqual(message.headers.count, 0, "the number of headers (\(message.headers.map(\.name)))")
  }

  static let tooLargeSent = Self("a body above the limit is refused; those beside it are published") { trial in
    let broker = try await trial.broker { $0.maxMessageBytes = 1000 }
    let queue = trial.queue()
    try await broker.declare(QueueDeclaration(name: queue))
    let sizes = [10, 1001, 1000]
    let messages = sizes.map {
      OutgoingMessage(to: .queue(queue), body: Bytes(Array(repeating: 1, count: $0)), id: "m\($0)")
    }
    do {
      try await broker.publish(messages)
      throw ConformanceFailure("a body of 1001 bytes should be refused where the limit is 1000")
    } catch let error as BrokerError {
      try expectEqual(error.code, .tooLarge, "the error's code (\(error))")
      try expect(!error.isRetriable, "waiting does not make a body smaller; the error should not be retriable")
    }
    let receiver = try await trial.receiver(broker, on: queue, prefetch: 10)
    try expectEqual(Set(try await receiver.next(2).ids), ["m10", "m1000"], "the messages that were published")
    try await receiver.nothing(for: .milliseconds(200), because: "the large message was refused")
  }

  static let tooLargeReceived = Self(
    "a body that another sent above the limit goes to the dead letters", needs: [.sharing]
  ) { trial in
    let (sender, queue) = (try await trial.broker("sender"), trial.queue())
    let reader = try await trial.broker("reader") { $0.maxMessageBytes = 1000 }
    let large = Bytes(Array(repeating: 7, count: 2000))
    try await sender.publish([
      .text("before", to: queue), OutgoingMessage(to: .queue(queue), body: large, id: "large"),
      .text("behind", to: queue),
    ])
    let receiver = try await trial.receiver(reader, on: queue, prefetch: 1)
    for expected in ["before", "behind"] {
      let delivery = try await receiver.one()
      try expectEqual(delivery.message.id, expected, "the next message")
      try await receiver.settle(.complete(delivery.receipt))
    }
    try await trial.eventually("the large message lies among the dead letters") {
      try await sender.counts(of: queue).dead == 1
    }
    let dead = try await sender.deadLetters(of: queue, limit: 10)
    try expectEqual(dead.map(\.message.id), ["large"], "the dead letters")
    try expectEqual(dead.first?.reason.code, .tooLarge, "its reason")
    try expectEqual(dead.first?.message.body, large, "its body")
  }

  static let queueMadeByPublish = Self("a queue that is missing is made by the first publish") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue("new"))
    try await broker.publish([.text("m1", to: queue)])
    try expectEqual(try await trial.receiver(broker, on: queue, prefetch: 1).one().message.id, "m1", "the message")
  }

  static let verifiedQueue = Self("a queue that is only verified is not made") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue("absent"))
    do {
      try await broker.declare(QueueDeclaration(name: queue, mode: .verify))
      throw ConformanceFailure("verifying a queue that does not exist should fail")
    } catch let error as BrokerError {
      try expectEqual(error.code, .notFound, "the error's code (\(error))")
      try expect(error.message.contains(queue), "the error should name the queue: \(error)")
    }
    try await broker.declare(QueueDeclaration(name: queue))
    try await broker.declare(QueueDeclaration(name: queue))
    try await broker.declare(QueueDeclaration(name: queue, mode: .verify))
  }

  static let counts = Self("counts follow a queue from nothing to nothing") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    try expectEqual(
      try await trial.counts(of: queue, on: broker), QueueCounts(), "the counts of a queue that does not exist")
    try await broker.publish((0..<7).map { .text("m\($0)", to: queue) })
    try await trial.eventually("7 messages are ready") { try await broker.counts(of: queue).ready == 7 }
    let receiver = try await trial.receiver(broker, on: queue, prefetch: 3)
    let held = try await receiver.next(3)
    try await trial.eventually("4 messages are ready and 3 unsettled") {
      try await trial.counts(of: queue, on: broker) == QueueCounts(ready: 4, unsettled: 3)
    }
    receiver.setPrefetch(0)
    try await receiver.settle(held.map { .complete($0.receipt) })
    await receiver.close()
    try await trial.eventually("4 messages are ready") {
      try await trial.counts(of: queue, on: broker) == QueueCounts(ready: 4)
    }
    try await broker.delete(queue: queue)
    try expectEqual(
      try await trial.counts(of: queue, on: broker), QueueCounts(), "the counts of a queue that was deleted")
  }

  static let manyQueues = Self("twenty queues are read side by side; no message strays") { trial in
    let broker = try await trial.broker()
    let queues = (0..<20).map { trial.queue("q\($0)") }
    var receivers: [Receiver] = []
    for queue in queues { receivers.append(try await trial.receiver(broker, on: queue, prefetch: 5)) }
    try await broker.publish((0..<3).flatMap { n in queues.map { .text("\($0)-\(n)", to: $0) } })
    for (queue, receiver) in zip(queues, receivers) {
      let deliveries = try await receiver.next(3)
      try expectEqual(Set(deliveries.ids), Set((0..<3).map { "\(queue)-\($0)" }), "the messages of \(queue)")
      try await receiver.settle(deliveries.map { .complete($0.receipt) })
    }
  }

  static let latePublish = Self("a reader of an empty queue hears of the first message at once") { trial in
    let (broker, queue) = (try await trial.broker(), trial.queue())
    let receiver = try await trial.receiver(broker, on: queue, prefetch: 1)
    let sender = try await trial.observer(of: broker)
    try await receiver.nothing(for: .milliseconds(300), because: "the queue is empty")
    let start = ContinuousClock.now
    try await sender.publish([.text("m1", to: queue)])
    _ = try await receiver.one()
    let time = ContinuousClock.now - start
    try expect(time < trial.suite.promptness, "the message took \(time) to arrive")
  }
}

extension Trial {
  /// Holds that the messages `m0`, `m1`… of a queue have these bodies.
  func expectBodies(_ bodies: [Bytes], on queue: String, of broker: any BrokerAdministration) async throws {
    let receiver = try await receiver(broker, on: queue, prefetch: bodies.count)
    for delivery in try await receiver.next(bodies.count) {
      guard let index = Int(delivery.message.id.dropFirst()), bodies.indices.contains(index) else {
        throw ConformanceFailure("the id \(delivery.message.id) was never sent")
      }
      let body = delivery.message.body
      guard body == bodies[index] else {
        throw ConformanceFailure(
          "body \(index) should have \(bodies[index].count) bytes and came as \(body.count) others")
      }
      try await receiver.settle(.complete(delivery.receipt))
    }
  }
}
