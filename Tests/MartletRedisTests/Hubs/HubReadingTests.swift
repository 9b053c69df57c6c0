import Foundation
import MartletCore
import MartletRedis
import Testing

@Suite struct HubReadingTests {
  @Test func eventsComeInOrderWithDenseNumbers() async throws {
    let lab = try await HubLab.open()
    try await lab.publish(0..<3_000)
    let inbox = EventInbox()
    _ = try await lab.read(inbox)
    let events = try await inbox.first(3_000)
    #expect(events.map(\.message.id) == (0..<3_000).map { "e\($0)" })
    #expect(events.map(\.sequenceNumber) == (0..<3_000).map { Int64($0) })
    #expect(zip(events, events.dropFirst()).allSatisfy { $0.offset < $1.offset })
    #expect(inbox.tail?.sequenceNumber == 2_999)
    await lab.close()
  }

  @Test func noMoreComesThanWasGranted() async throws {
    let lab = try await HubLab.open()
    try await lab.publish(0..<50)
    let inbox = EventInbox()
    let reader = try await lab.read(inbox, granting: 0)
    for (grant, total) in [(7, 7), (1, 8), (30, 38), (1_000, 50)] {
      reader.grant(grant)
      #expect(try await inbox.first(total).count == total)
      // Whatever was on its way has arrived when a later question is answered.
      _ = try await lab.broker.bounds(of: lab.hub)
      #expect(inbox.events.count == total)
    }
    await lab.close()
  }

  @Test(arguments: [0, 1, 499, 999])
  func aReaderResumesBehindItsPosition(last: Int) async throws {
    let lab = try await HubLab.open()
    try await lab.publish(0..<1_000)
    let inbox = EventInbox()
    let reader = try await lab.read(inbox)
    let position = try await inbox.first(1_000)[last].position
    await reader.close()
    try await lab.publish(1_000..<1_005)
    let next = EventInbox()
    _ = try await lab.read(next, after: position)
    let events = try await next.first(1_004 - last)
    #expect(events.map(\.message.id) == ((last + 1)..<1_005).map { "e\($0)" })
    #expect(events.first?.sequenceNumber == Int64(last + 1))
    #expect(next.losses.isEmpty)
    await lab.close()
  }

  @Test func anIdleReaderHearsAtOnce() async throws {
    let lab = try await HubLab.open(partitions: 16)
    let inboxes = (0..<16).map { _ in EventInbox() }
    for (partition, inbox) in inboxes.enumerated() { _ = try await lab.read(inbox, partition: partition) }
    var waits: [Duration] = []
    for round in 1...20 {
      for (partition, inbox) in inboxes.enumerated() {
        let begin = ContinuousClock.now
        try await lab.broker.publish([lab.event("x", partition: partition)])
        _ = try await inbox.first(round)
        waits.append(.now - begin)
      }
    }
    // On a machine at rest it is below a millisecond; what is excluded is that a reader waits for its turn by the clock.
    #expect(waits.sorted()[waits.count / 2] < .milliseconds(100), "\(waits.sorted()[waits.count / 2])")
    await lab.close()
  }

  /// A grant comes while the connection waits in the server for another partition.
  @Test func aReaderThatJoinsIsNotHeldUpByOneThatWaits() async throws {
    let lab = try await HubLab.open(partitions: 2)
    let (first, second) = (EventInbox(), EventInbox())
    _ = try await lab.read(first, partition: 0)
    try await lab.publish(0..<1)
    _ = try await first.first(1)
    let reader = try await lab.read(second, partition: 1, granting: 0)
    for count in 1...10 {
      reader.grant(1)
      let begin = ContinuousClock.now
      try await lab.broker.publish([lab.event("x", partition: 1)])
      _ = try await second.first(count)
      #expect(ContinuousClock.now - begin < .seconds(5))
    }
    await lab.close()
  }

  @Test func largeBodiesComeOneByOne() async throws {
    let lab = try await HubLab.open(maxMessageBytes: 64 << 20)
    let body = Bytes([UInt8](repeating: 7, count: 8 << 20))
    for index in 0..<6 {
      var event = lab.event("", id: "e\(index)", partition: 0)
      event.body = body
      try await lab.broker.publish([event])
    }
    let inbox = EventInbox()
    _ = try await lab.read(inbox)
    let events = try await inbox.first(6)
    #expect(events.map(\.message.id) == (0..<6).map { "e\($0)" })
    #expect(events.allSatisfy { $0.message.body == body })
    await lab.close()
  }

  @Test func whatAStrangerWroteIsRead() async throws {
    let lab = try await HubLab.open()
    try lab.redis("XADD", lab.partition().description, "*", "body", "a", "key", "k", "color", "red")
    try lab.redis("XADD", lab.partition().description, "*", "something", "else")
    let inbox = EventInbox()
    _ = try await lab.read(inbox)
    let events = try await inbox.first(2)
    #expect(events[0].message.key == "k")
    #expect(events[0].message.headers["color"] == "red")
    #expect(events[0].message.id == "\(lab.hub):0/\(events[0].offset)")
    #expect(events[1].message.body.isEmpty)
    await lab.close()
  }

  @Test func twoReadersOfOnePartitionAreIndependent() async throws {
    let lab = try await HubLab.open()
    let (first, second) = (EventInbox(), EventInbox())
    _ = try await lab.read(first)
    let other = try await lab.read(second, granting: 5)
    try await lab.publish(0..<20)
    _ = try await first.first(20)
    _ = try await second.first(5)
    other.grant(100)
    try await lab.publish(20..<30)
    #expect(try await first.first(30).map(\.message.id) == (0..<30).map { "e\($0)" })
    #expect(try await second.first(30).map(\.message.id) == (0..<30).map { "e\($0)" })
    await other.close()
    await lab.close()
  }

  @Test func whereAGroupBegins() async throws {
    let lab = try await HubLab.open()
    #expect(try await lab.broker.position(before: .fromStart, in: lab.partition()) == PartitionPosition())
    #expect(try await lab.broker.position(before: .fromEnd, in: lab.partition()) == PartitionPosition())
    try await lab.publish(0..<10)
    let inbox = EventInbox()
    _ = try await lab.read(inbox)
    let tenth = try #require(try await inbox.first(10).last)
    let time = try #require(tenth.message.enqueuedAt)
    try await lab.lab.until("the next millisecond") { Date() > time.addingTimeInterval(0.002) }
    try await lab.publish(10..<20)
    let starts: [(InitialOffset, Int)] = [
      (.fromStart, 0), (.fromEnd, 20), (.fromEnqueuedTime(time.addingTimeInterval(0.001)), 10),
      (.fromEnqueuedTime(.distantPast), 0), (.fromEnqueuedTime(.distantFuture), 20),
    ]
    try lab.redis("XTRIM", lab.partition().description, "MAXLEN", "15")
    for (round, (start, first)) in starts.enumerated() {
      // Each round publishes one event more.
      let first = first == 20 ? 20 + round : max(first, 5)
      let position = try await lab.broker.position(before: start, in: lab.partition())
      #expect(position.sequenceNumber == Int64(first) - 1, "\(start)")
      let inbox = EventInbox()
      let reader = try await lab.read(inbox, after: position)
      try await lab.publish(100..<101)
      let event = try #require(try await inbox.first(1).first)
      #expect(event.sequenceNumber == Int64(first))
      #expect(inbox.losses.isEmpty)
      await reader.close()
    }
    await lab.close()
  }
}
