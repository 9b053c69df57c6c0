import Foundation
import MartletCore
import Testing

@testable import MartletEmbedded

@Suite struct EngineHubTests {
  private let hub = "readings"
  private var partition: HubPartition { HubPartition(hub: hub, number: 0) }

  private func event(_ id: String, partition: Int? = 0, body: Bytes? = nil) -> OutgoingMessage {
    var event = OutgoingMessage(to: .hub(hub), body: body ?? Bytes(id), id: id)
    event.partition = partition
    return event
  }

  private func read(
    _ broker: EmbeddedBroker, after position: PartitionPosition = PartitionPosition(), grant: Int
  ) async throws -> (reader: any PartitionReader, inbox: EventInbox) {
    let inbox = EventInbox()
    let reader = try await broker.read(partition, after: position, function: "test", handler: inbox)
    reader.grant(grant)
    return (reader, inbox)
  }

  @Test func aProcessThatOnlyReadsIsWokenAtOnce() async throws {
    let scratch = try Scratch()
    let (reading, writing) = (
      try await EmbeddedBroker.open(scratch.path), try await EmbeddedBroker.open(scratch.path)
    )
    _ = try await writing.declare(HubDeclaration(name: hub))
    let (_, inbox) = try await read(reading, grant: 100)
    // A first round, so that both have their leases.
    try await writing.publish([event("first")])
    _ = try await inbox.next()
    let start = ContinuousClock.now
    for round in 0..<20 {
      try await writing.publish([event("e\(round)")])
      #expect(try await inbox.next().map(\.message.id) == ["e\(round)"])
    }
    // The look of each second would take twenty.
    #expect(ContinuousClock.now - start < .seconds(15))
    await reading.shut()
    await writing.shut()
  }

  @Test func chunksAreSmallWhateverWasGranted() async throws {
    let broker = try await EmbeddedBroker.open(nil)
    for start in stride(from: 0, to: 3_000, by: 500) {
      try await broker.publish((start..<start + 500).map { event("e\($0)") })
    }
    let (_, small) = try await read(broker, grant: 1_000_000)
    #expect(try await small.next(3_000).map(\.message.id) == (0..<3_000).map { "e\($0)" })
    #expect(small.batches.max() ?? 0 <= EventReader.chunk.messages)
    #expect(small.tail?.sequenceNumber == 2_999)
    let end = try #require(small.all.last).position
    let large = Bytes(Array(repeating: 7, count: EventReader.chunk.bytes / 4))
    try await broker.publish((0..<20).map { event("large\($0)", body: large) })
    let (_, inbox) = try await read(broker, after: end, grant: 1_000_000)
    _ = try await inbox.next(20)
    #expect(inbox.batches == [4, 4, 4, 4, 4])
    await broker.shut()
  }

  @Test func aReaderIsToldWhenRetentionOvertakesIt() async throws {
    let scratch = try Scratch()
    let (reading, writing) = (
      try await EmbeddedBroker.open(scratch.path), try await EmbeddedBroker.open(scratch.path)
    )
    _ = try await writing.declare(HubDeclaration(name: hub, retention: HubRetention(count: 10)))
    try await writing.publish((0..<30).map { event("e\($0)") })
    let (reader, inbox) = try await read(reading, grant: 5)
    _ = try await inbox.next(5)
    #expect(try await writing.trim(partition) == 20)
    reader.grant(5)
    #expect(try await inbox.loss() == .retentionGap(missing: 15))
    // It has ended; what is asked of it is without effect.
    reader.grant(5)
    try await writing.publish([event("more")])
    await reader.close()
    #expect(inbox.ids.count == 5)
    await reading.shut()
    await writing.shut()
  }

  @Test func aReaderHearsOfADeletedHubThoughNothingOfItIsLeft() async throws {
    let scratch = try Scratch()
    let (reading, writing) = (
      try await EmbeddedBroker.open(scratch.path), try await EmbeddedBroker.open(scratch.path)
    )
    try await writing.publish((0..<10).map { event("e\($0)") })
    let (_, all) = try await read(reading, grant: 100)
    _ = try await all.next(10)
    let (reader, idle) = try await read(reading, grant: 0)
    try await writing.delete(hub: hub)
    reader.grant(1)
    for inbox in [all, idle] { #expect(try await inbox.loss() == .deleted) }
    try await writing.publish((0..<10).map { event("e\($0)") })
    let (_, again) = try await read(reading, after: try #require(all.all.last).position, grant: 100)
    #expect(try await again.loss() == .recreated)
    await reading.shut()
    await writing.shut()
  }

  @Test func whatWasAlreadyReadIsNotReadAgainInAFileMadeAnew() async throws {
    let scratch = try Scratch()
    let broker = try await EmbeddedBroker.open(scratch.path)
    try await broker.publish([event("old0"), event("old1")])
    let (_, inbox) = try await read(broker, grant: 100)
    _ = try await inbox.next(2)
    for suffix in ["", "-wal", "-shm"] {
      try FileManager.default.moveItem(atPath: scratch.file + suffix, toPath: scratch.path + "/moved" + suffix)
    }
    #expect(try await inbox.loss() == .deleted)
    await broker.shut()
  }

  @Test func anEventCannotBeDelayed() async throws {
    let broker = try await EmbeddedBroker.open(nil)
    var late = event("late")
    late.deliverAt = Date().addingTimeInterval(60)
    let error = await #expect(throws: BrokerError.self) { try await broker.publish([late]) }
    #expect(error?.code == .configuration && error?.isRetriable == false)
    late.deliverAt = Date().addingTimeInterval(-60)
    try await broker.publish([late])
    #expect(try await broker.bounds(of: hub).map(\.count) == [1, 0, 0, 0])
    await broker.shut()
  }

  @Test func aHubThatWasOnlyVerifiedIsNotMadeByAPublish() async throws {
    let broker = try await EmbeddedBroker.open(nil)
    await #expect(throws: BrokerError.self) {
      try await broker.declare(HubDeclaration(name: hub, mode: .verify))
    }
    let error = await #expect(throws: BrokerError.self) { try await broker.publish([event("e")]) }
    #expect(error?.code == .notFound)
    #expect(try await broker.bounds(of: hub).isEmpty)
    _ = try await broker.declare(HubDeclaration(name: hub))
    try await broker.publish([event("e")])
    await broker.shut()
  }

  @Test func waitingReadersDoNotKeepTheBrokerFromClosing() async throws {
    let broker = try await EmbeddedBroker.open(nil)
    _ = try await broker.declare(HubDeclaration(name: hub))
    let (reader, inbox) = try await read(broker, grant: 100)
    await broker.shut()
    await reader.close()
    #expect(inbox.losses.isEmpty)
    await #expect(throws: BrokerError.self) {
      try await broker.read(partition, after: PartitionPosition(), function: "test", handler: inbox)
    }
  }
}

extension Event {
  fileprivate var position: PartitionPosition {
    PartitionPosition(
      checkpoint: offset, sequenceNumber: sequenceNumber, eventID: message.id, enqueuedAt: message.enqueuedAt)
  }
}
