import Foundation
import MartletCore
import MartletRabbitMQ
import TestServers
import Testing

@testable import MartletTestKit

/// The sharp edges of RabbitMQ's streams.
@Suite struct StreamTests {
  /// RabbitMQ takes an offset of 64 bits, and closes the connection or the channel for one that is text.
  @Test(arguments: [1000, 1 << 33, UInt64.max]) func anOffsetAheadOfTheStreamIsNotWaitedForSilently(
    offset: UInt64
  ) async throws {
    let lab = try await Lab.open()
    let hub = lab.queue
    _ = try await lab.broker.declare(HubDeclaration(name: hub, partitionCount: 1))
    try await lab.broker.publish([OutgoingMessage(to: .hub(hub), body: Bytes("one"), id: "one")])
    let events = EventInbox()
    let position = PartitionPosition(checkpoint: EventOffset(low: offset), sequenceNumber: 1000, eventID: "elsewhere")
    let reader = try await lab.broker.read(
      HubPartition(hub: hub, number: 0), after: position, function: "test", handler: events)
    reader.grant(10)
    #expect(await events.state.wait(until: .now + .seconds(30)) { $0.loss } == .recreated)
    #expect(events.state.value.problems.isEmpty)
    #expect(lab.log.count("connection lost") == 0)
    await reader.close()
    try await lab.broker.delete(hub: hub)
    await lab.close()
  }

  /// A stream knows no nack: it costs the connection, and with it every other partition.
  @Test func aReaderThatLeavesEventsUnreadReturnsNothingAndHurtsNobody() async throws {
    let lab = try await Lab.open()
    let hub = lab.queue
    _ = try await lab.broker.declare(HubDeclaration(name: hub, partitionCount: 1))
    try await lab.broker.publish(
      (0..<1000).map { OutgoingMessage(to: .hub(hub), body: Bytes("event"), id: "e\($0)") })
    let partition = HubPartition(hub: hub, number: 0)
    let inboxes = [EventInbox(), EventInbox(), EventInbox()]
    let start = PartitionPosition()
    let stayer = try await lab.broker.read(partition, after: start, function: "stays", handler: inboxes[0])
    stayer.grant(1)
    for inbox in inboxes.dropFirst() {
      let leaver = try await lab.broker.read(partition, after: start, function: "leaves", handler: inbox)
      leaver.grant(10)
      #expect(await inbox.state.wait(until: .now + .seconds(30)) { $0.events.count == 10 ? true : nil } == true)
      // The broker has sent it hundreds more.
      await leaver.close()
      #expect(inbox.state.value.events.count == 10)
    }
    stayer.grant(999)
    let all = await inboxes[0].state.wait(until: .now + .seconds(30)) { $0.events.count == 1000 ? $0.events : nil }
    #expect(all?.map(\.message.id) == (0..<1000).map { "e\($0)" })
    #expect(inboxes.allSatisfy { $0.state.value.problems.isEmpty })
    #expect(lab.log.count("connection lost") == 0)
    await stayer.close()
    try await lab.broker.delete(hub: hub)
    await lab.close()
  }

  /// The broker says with no event how many are behind it.
  @Test func theEndOfTheStreamIsToldBesideTheFirstEvents() async throws {
    let lab = try await Lab.open()
    let hub = lab.queue
    _ = try await lab.broker.declare(HubDeclaration(name: hub, partitionCount: 1))
    try await lab.broker.publish(
      (0..<1000).map { OutgoingMessage(to: .hub(hub), body: Bytes("event"), id: "e\($0)") })
    let events = EventInbox()
    let reader = try await lab.broker.read(
      HubPartition(hub: hub, number: 0), after: PartitionPosition(), function: "test", handler: events)
    reader.grant(2)
    let tail = await events.state.wait(until: .now + .seconds(30)) { $0.tail }
    #expect(tail?.sequenceNumber == 999)
    #expect(events.state.value.events.count <= 2)
    await reader.close()
    try await lab.broker.delete(hub: hub)
    await lab.close()
  }

  @Test func anExchangeOfSomebodyElseIsNoHub() async throws {
    let lab = try await Lab.open()
    let stranger = try Stranger(try await SharedServer.rabbitMQURL())
    let hub = lab.queue
    try stranger.declare(exchange: hub + ".hub")
    let error = await #expect(throws: BrokerError.self) {
      _ = try await lab.broker.declare(HubDeclaration(name: hub, partitionCount: 2))
    }
    #expect(error?.code == .conflict)
    await lab.close()
  }

  /// Whoever loads a hub anew gives its events the ids that they had.
  @Test func aStreamThatWasMadeAgainWithTheSameIDsIsTold() async throws {
    let lab = try await Lab.open()
    let hub = lab.queue
    let events = (0..<10).map { OutgoingMessage(to: .hub(hub), body: Bytes("event"), id: "e\($0)", key: "k") }
    func inbox(after position: PartitionPosition) async throws -> (EventInbox, any PartitionReader) {
      let inbox = EventInbox()
      let reader = try await lab.broker.read(
        HubPartition(hub: hub, number: 0), after: position, function: "test", handler: inbox)
      reader.grant(10)
      return (inbox, reader)
    }
    _ = try await lab.broker.declare(HubDeclaration(name: hub, partitionCount: 1))
    try await lab.broker.publish(Array(events[..<5]))
    let (first, reader) = try await inbox(after: PartitionPosition())
    let seen = try #require(
      await first.state.wait(until: .now + .seconds(30)) { $0.events.count == 5 ? $0.events : nil })
    await reader.close()
    let position = PartitionPosition(
      checkpoint: seen[2].offset, sequenceNumber: seen[2].sequenceNumber, eventID: seen[2].message.id,
      enqueuedAt: seen[2].message.enqueuedAt)
    let (same, again) = try await inbox(after: position)
    _ = await same.state.wait(until: .now + .seconds(30)) { $0.events.count == 2 ? true : nil }
    #expect(same.state.value.events.map(\.message.id) == ["e3", "e4"] && same.state.value.loss == nil)
    await again.close()
    try await lab.broker.delete(hub: hub)
    _ = try await lab.broker.declare(HubDeclaration(name: hub, partitionCount: 1))
    // AMQP's times are seconds.
    let sent = try #require(position.enqueuedAt)
    _ = await same.state.wait(until: .now + .seconds(max(0, sent.timeIntervalSinceNow + 2))) { _ in nil as Bool? }
    try await lab.broker.publish(events)
    let (new, last) = try await inbox(after: position)
    #expect(await new.state.wait(until: .now + .seconds(30)) { $0.loss } == .recreated)
    #expect(new.state.value.events.isEmpty)
    await last.close()
    try await lab.broker.delete(hub: hub)
    await lab.close()
  }

  /// RabbitMQ answers 404 for a stream whose node has not brought it back yet: here for one that is made anew.
  @Test func aStreamThatIsAnsweredFor404IsWaitedForWhileItsHubIsThere() async throws {
    let lab = try await Lab.open()
    let hub = lab.queue
    let partition = HubPartition(hub: hub, number: 0)
    _ = try await lab.broker.declare(HubDeclaration(name: hub, partitionCount: 1))
    // The stream alone: the hub's exchange stays.
    try await lab.broker.delete(queue: partition.description)
    let inbox = EventInbox()
    let reader = try await lab.broker.read(partition, after: PartitionPosition(), function: "test", handler: inbox)
    reader.grant(10)
    try await lab.log.wait(for: "RabbitMQ says that the partition does not exist")
    _ = try await lab.broker.declare(HubDeclaration(name: hub, partitionCount: 1))
    try await lab.broker.publish([OutgoingMessage(to: .hub(hub), body: Bytes("event"), id: "e0")])
    let ids = await inbox.state.wait(until: .now + .seconds(60)) { $0.events.isEmpty ? nil : $0.events }
    #expect(ids?.map(\.message.id) == ["e0"])
    #expect(inbox.state.value.loss == nil)
    #expect(lab.log.count("connection lost") == 0)
    await reader.close()
    try await lab.broker.delete(hub: hub)
    await lab.close()
  }

  /// A node that comes back may answer 404 for its streams for some seconds: the test above has one for certain.
  @Test func aStreamIsReadOnWhenItsNodeHasCrashed() async throws {
    let server = try await TestServer(.rabbitMQ)
    let lab = try await Lab.open(at: server.url)
    let hub = lab.queue
    _ = try await lab.broker.declare(HubDeclaration(name: hub, partitionCount: 2))
    try await lab.broker.publish(
      (0..<100).map { OutgoingMessage(to: .hub(hub), body: Bytes("event"), id: "e\($0)", key: "k\($0 % 7)") })
    let inboxes = [EventInbox(), EventInbox()]
    var readers: [any PartitionReader] = []
    for (number, inbox) in inboxes.enumerated() {
      let reader = try await lab.broker.read(
        HubPartition(hub: hub, number: number), after: PartitionPosition(), function: "test", handler: inbox)
      reader.grant(1000)
      readers.append(reader)
    }
    try await server.restart()
    try await lab.broker.publish(
      (100..<200).map { OutgoingMessage(to: .hub(hub), body: Bytes("event"), id: "e\($0)", key: "k\($0 % 7)") })
    var found: Set<String> = []
    for (number, inbox) in inboxes.enumerated() {
      let expected = Set(
        (0..<200).filter { PartitionChoice.partition(of: "k\($0 % 7)", count: 2) == number }.map { "e\($0)" })
      _ = await inbox.state.wait(until: .now + .seconds(60)) {
        expected.isSubset(of: $0.events.map(\.message.id)) ? true : nil
      }
      found.formUnion(inbox.state.value.events.map(\.message.id))
    }
    #expect(found == Set((0..<200).map { "e\($0)" }))
    for inbox in inboxes {
      #expect(inbox.state.value.loss == nil)
      let offsets = inbox.state.value.events.map(\.offset)
      #expect(offsets == offsets.sorted() && Set(offsets).count == offsets.count)
    }
    for reader in readers { await reader.close() }
    await lab.close()
  }
}

/// Keeps what a partition delivers.
final class EventInbox: EventHandler {
  struct State: Sendable {
    var events: [Event] = []
    var loss: EventLoss?
    var tail: PartitionTail?
    var problems: [BrokerError?] = []
  }

  let state = Observed(State())

  func receive(_ events: [Event], tail: PartitionTail?) {
    state.update { state in
      state.events += events
      state.tail = tail ?? state.tail
    }
  }
  func receive(_ loss: EventLoss) { state.update { $0.loss = loss } }
  func report(problem: BrokerError?) { state.update { $0.problems.append(problem) } }
}
