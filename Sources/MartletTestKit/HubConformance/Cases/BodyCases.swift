import Foundation
import Martlet

extension HubConformance.Case {
  static let bodies = [eventBodies, bigEvents, eventProperties, absentEventProperties, eventTooLarge]

  static let eventBodies = Self("empty, binary and odd bodies arrive unchanged") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let bodies: [Bytes] = [
      Bytes(), Bytes([0]), Bytes(Array(0...255)), Bytes([0xff, 0xfe, 0x80, 0, 0xc0]), Bytes("\r\n$5\r\nhello\r\n"),
      Bytes("{\"an\": \"object\"}"), Bytes(Array(repeating: 0, count: 100)), Bytes("ünïcödé \u{1F426}"),
    ]
    try await brokers.log.publish(
      bodies.enumerated().map { .event("e\($0.offset)", to: hub, partition: 1, body: $0.element) })
    let reader = try await trial.reader(brokers, of: hub, partition: 1, grant: 20)
    try expectEqual(try await reader.next(bodies.count).map(\.message.body), bodies, "the bodies")
  }

  static let bigEvents = Self("bodies of 1 B, 100 KiB and 8 MiB arrive unchanged") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let bodies = [1, 100 << 10, 8 << 20, 0, 3 << 20].map { Bytes.unrepeating($0) }
    for (index, body) in bodies.enumerated() {
      try await brokers.log.publish([.event("e\(index)", to: hub, partition: 0, body: body)])
    }
    let reader = try await trial.reader(brokers, of: hub, grant: 20)
    for (index, event) in try await reader.next(bodies.count).enumerated() {
      try expectEqual(event.message.id, "e\(index)", "the event")
      // Not by `expectEqual`, which would print them.
      try expect(
        event.message.body == bodies[index],
        "body \(index) should have \(bodies[index].count) bytes and came as \(event.message.body.count) others")
    }
  }

  static let eventProperties = Self("id, key, content type, headers, trace and time arrive as they were sent") {
    trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    let headers: Headers = [
      "plain": "text", "empty": "", "unicode": "grüße \u{1F426}", "with space": "a b\tc", "number": 42, "CaSe": "kept",
    ]
    let trace = TraceContext(traceID: .random(in: 1 ... .max), spanID: .random(in: 1 ... .max), state: "a=1,b=2")
    let id = "Id with spaces, \"quotes\" and ünïcode/" + String(repeating: "x", count: 120)
    var sent = OutgoingMessage(
      to: .hub(hub), body: Bytes("{}"), id: id, contentType: .json, key: "customer 7/ü", headers: headers, trace: trace)
    sent.partition = 0
    let before = Date()
    try await brokers.log.publish([sent])
    let message = try await trial.reader(brokers, of: hub, grant: 1).one().message
    try expectEqual(message.id, id, "the id")
    try expectEqual(message.contentType, .json, "the content type")
    try expectEqual(message.key, "customer 7/ü", "the key")
    for header in headers {
      try expectEqual(message.headers[header.name]?.text, header.value.text, "the header \"\(header.name)\"")
    }
    try expectEqual(message.headers.count, headers.count, "the number of headers (\(message.headers.map(\.name)))")
    try expectEqual(message.trace, trace, "the trace context")
    guard let enqueued = message.enqueuedAt else {
      throw ConformanceFailure("an event should say when it was enqueued")
    }
    try expect(
      abs(enqueued.timeIntervalSince(before)) < 60, "it was enqueued at \(enqueued), about \(before) was expected")
  }

  static let absentEventProperties = Self("what the sender did not say is not made up") { trial in
    let (brokers, hub) = (try await trial.brokers(), trial.hub())
    var sent = OutgoingMessage(to: .hub(hub), body: Bytes("x"), id: "e1")
    sent.partition = 3
    try await brokers.log.publish([sent])
    let message = try await trial.reader(brokers, of: hub, partition: 3, grant: 1).one().message
    try expectEqual(message.contentType, nil, "the content type")
    try expectEqual(message.key, nil, "the key")
    try expectEqual(message.trace, nil, "the trace context")
    try expectEqual(message.expiresAt, nil, "the end of its time to live")
    try expectEqual(message.headers.count, 0, "the number of headers (\(message.headers.map(\.name)))")
  }

  static let eventTooLarge = Self("a body above the limit is refused; those beside it are published") { trial in
    let brokers = try await trial.brokers { $0.maxMessageBytes = 1000 }
    let hub = trial.hub()
    let events = [10, 1001, 1000].map { size in
      OutgoingMessage.event(
        "e\(size)", to: hub, partition: 0, body: Bytes(Array(repeating: 1, count: size)))
    }
    try await trial.expectRefusal(.tooLarge, of: "a body of 1001 bytes where the limit is 1000") {
      try await brokers.log.publish(events)
    }
    try await trial.expectEvents(["e10", "e1000"], in: hub, of: brokers, "the events that were published")
  }
}
