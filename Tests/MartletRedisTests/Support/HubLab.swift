import Foundation
import MartletCore
import MartletRedis

/// A broker and a hub of a test's own.
struct HubLab {
  let lab: Lab
  let hub: String
  var broker: RedisBroker { lab.broker }
  var redis: RedisCommand { lab.redis }

  static func open(
    url: String? = nil, partitions: Int = 1, retention: HubRetention? = nil, hub: String = "h-" + UUID().uuidString,
    maxMessageBytes: Int = 16 << 20
  ) async throws -> HubLab {
    let lab = HubLab(lab: try await Lab.open(url: url, maxMessageBytes: maxMessageBytes), hub: hub)
    _ = try await lab.broker.declare(HubDeclaration(name: hub, partitionCount: partitions, retention: retention))
    return lab
  }

  var group: ConsumerGroup { ConsumerGroup(hub: hub, name: "detect") }
  func partition(_ number: Int = 0) -> HubPartition { HubPartition(hub: hub, number: number) }
  func owned(_ number: Int = 0) -> GroupPartition { GroupPartition(group: group, number: number) }

  func event(_ body: String, id: String = MessageIdentifier.random(), key: String? = nil, partition: Int? = nil)
    -> OutgoingMessage
  {
    var message = OutgoingMessage(to: .hub(hub), body: Bytes(body), id: id, contentType: .text, key: key)
    if let partition { message.partition = partition }
    return message
  }

  /// Publishes events `e0`, `e1`… to partition 0.
  func publish(_ range: Range<Int>) async throws {
    try await broker.publish(range.map { event("\($0)", id: "e\($0)", partition: 0) })
  }

  func read(
    _ inbox: EventInbox, after position: PartitionPosition = PartitionPosition(), partition: Int = 0,
    granting count: Int = 1_000_000
  ) async throws -> any PartitionReader {
    let reader = try await broker.read(
      self.partition(partition), after: position, function: "test", handler: inbox)
    reader.grant(count)
    return reader
  }

  func commit(
    _ number: UInt64, epoch: UInt64 = 1, position: PartitionPosition? = nil, outputs: [OutgoingMessage] = [],
    values: [String: Bytes?] = [:], partition: Int = 0
  ) async -> CommitResult {
    await broker.commit(
      PartitionCommit(
        partition: owned(partition), epoch: epoch, number: number, position: position, outputs: outputs,
        values: values))
  }

  func record(_ partition: Int = 0) async throws -> PartitionRecord {
    try await broker.records(of: group, partitionCount: partition + 1)[partition]
  }

  func close() async {
    try? await broker.delete(hub: hub)
    await lab.close()
  }
}

extension Store {
  func commit(_ commit: PartitionCommit) async -> CommitResult {
    await withCheckedContinuation { continuation in
      self.commit(commit) { continuation.resume(returning: $0) }
    }
  }
}

extension Event {
  /// Where a group is that has done this event and all before it.
  var position: PartitionPosition {
    PartitionPosition(
      checkpoint: offset, sequenceNumber: sequenceNumber, eventID: message.id, enqueuedAt: message.enqueuedAt)
  }
}
