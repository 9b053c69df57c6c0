import Foundation
import MartletCore
import MartletRabbitMQ
import TestServers
import Testing

@testable import MartletTestKit

/// Where the segments of a stream meet an offset is missing, and retention removes whole segments without a word.
@Suite struct StreamSegmentTests {
  private static let body = Bytes(Array(repeating: 7, count: 20_000))

  /// Publishes so many events of 20 kB; a segment has 1 MB.
  private static func fill(_ hub: String, _ count: Int, _ lab: Lab) async throws {
    _ = try await lab.broker.declare(
      HubDeclaration(name: hub, partitionCount: 1, retention: HubRetention(bytes: 4 << 20)))
    for start in stride(from: 0, to: count, by: 10) {
      try await lab.broker.publish(
        (start..<start + 10).map { OutgoingMessage(to: .hub(hub), body: body, id: "e\($0)") })
    }
  }

  private static func read(
    _ count: Int, of hub: String, after position: PartitionPosition, _ lab: Lab
  ) async throws -> EventInbox {
    let inbox = EventInbox()
    let reader = try await lab.broker.read(
      HubPartition(hub: hub, number: 0), after: position, function: "test", handler: inbox)
    reader.grant(count)
    _ = await inbox.state.wait(until: .now + .seconds(30)) { $0.events.count >= count || $0.loss != nil ? true : nil }
    await reader.close()
    return inbox
  }

  @Test func aHoleBetweenOffsetsIsNoLoss() async throws {
    let lab = try await Lab.open()
    let hub = lab.queue
    try await Self.fill(hub, 150, lab)
    let all = try await Self.read(150, of: hub, after: PartitionPosition(), lab)
    #expect(all.state.value.loss == nil)
    let events = all.state.value.events
    try #require(events.map(\.message.id) == (0..<150).map { "e\($0)" })
    let holes = zip(events, events.dropFirst()).filter { $0.offset.low + 1 != $1.offset.low }
    try #require(!holes.isEmpty, "the segments are larger than they should be: without a hole this proves nothing")
    for (before, after) in holes {
      for event in [before, after] {
        let rest = try await Self.read(5, of: hub, after: event.position, lab)
        #expect(rest.state.value.loss == nil)
        let next = (Int(event.message.id.dropFirst()) ?? 0) + 1
        #expect(rest.state.value.events.map(\.message.id) == (next..<next + 5).map { "e\($0)" })
      }
    }
    try await lab.broker.delete(hub: hub)
    await lab.close()
  }

  @Test func whatRetentionRemovedIsTold() async throws {
    let lab = try await Lab.open()
    let hub = lab.queue
    try await Self.fill(hub, 50, lab)
    let early = try await Self.read(50, of: hub, after: PartitionPosition(), lab).state.value.events
    try await Self.fill(hub, 600, lab)
    let read = try #require(early.last)
    let late = try await Self.read(5, of: hub, after: read.position, lab)
    guard case .retentionGap(let missing) = late.state.value.loss else {
      Issue.record("a gap should be told, not \(String(describing: late.state.value.loss))")
      return
    }
    #expect(late.state.value.events.isEmpty)
    // Whoever begins anew reads what is there.
    let start = try await lab.broker.position(before: .fromStart, in: HubPartition(hub: hub, number: 0))
    let rest = try await Self.read(5, of: hub, after: start, lab)
    #expect(rest.state.value.loss == nil)
    let first = try #require(rest.state.value.events.first)
    #expect(missing == Int64(first.offset.low - read.offset.low) - 2)
    try await lab.broker.delete(hub: hub)
    await lab.close()
  }

  /// Behind the last event of a segment comes the hole of the next one: where retention removed just up to there, all
  /// that is left was not read, and nothing is missing.
  @Test func whatRetentionRemovedUpToThePositionIsNoLoss() async throws {
    let lab = try await Lab.open()
    let hub = lab.queue
    try await Self.fill(hub, 150, lab)
    let events = try await Self.read(150, of: hub, after: PartitionPosition(), lab).state.value.events
    var oldest = EventOffset(low: 0)
    for _ in 0..<60 where oldest == EventOffset(low: 0) {
      try await Self.fill(hub, 10, lab)
      oldest = try #require(try await lab.broker.bounds(of: hub)[0].first)
    }
    let last = try #require(events.last { $0.offset < oldest })
    try #require(events.contains { $0.offset == oldest }, "retention removed more than was read: this proves nothing")
    #expect(last.offset.low + 2 == oldest.low)
    let rest = try await Self.read(5, of: hub, after: last.position, lab).state.value
    #expect(rest.loss == nil)
    #expect(rest.events.first?.offset == oldest)
    // One event before, and it is missing.
    let before = try #require(events.last { $0.offset < last.offset })
    #expect(try await Self.read(5, of: hub, after: before.position, lab).state.value.loss == .retentionGap(missing: 1))
    try await lab.broker.delete(hub: hub)
    await lab.close()
  }
}
