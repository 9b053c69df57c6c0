import Foundation
import Martlet

extension OutgoingMessage {
  /// A text event; the body is the id where none is given.
  static func event(
    _ id: String, to hub: String, partition: Int? = nil, key: String? = nil, body: Bytes? = nil
  ) -> OutgoingMessage {
    var event = OutgoingMessage(to: .hub(hub), body: body ?? Bytes(id), id: id, contentType: .text, key: key)
    event.partition = partition
    return event
  }
}

extension Sequence<Event> {
  var ids: [String] { map(\.message.id) }
}

extension Event {
  /// The position of a group that has an outcome for this event and all before it.
  var position: PartitionPosition {
    PartitionPosition(
      checkpoint: offset, sequenceNumber: sequenceNumber, eventID: message.id, enqueuedAt: message.enqueuedAt)
  }
}

extension HubTrial {
  /// Publishes events `<prefix>0`, `<prefix>1`… to one partition and takes them back as they were read. A hub that is
  /// missing is made.
  @discardableResult
  func publish(
    _ count: Int, to hub: String, partition: Int = 0, prefix: String = "e", body: Bytes? = nil, on brokers: Brokers
  ) async throws -> [Event] {
    _ = try await brokers.log.declare(HubDeclaration(name: hub))
    let position = try await brokers.log.position(before: .fromEnd, in: HubPartition(hub: hub, number: partition))
    for start in stride(from: 0, to: count, by: 250) {
      try await brokers.log.publish(
        (start..<min(start + 250, count)).map {
          .event("\(prefix)\($0)", to: hub, partition: partition, body: body)
        })
    }
    let reader = try await reader(brokers, of: hub, partition: partition, after: position, grant: count)
    let events = try await reader.next(count)
    await reader.close()
    return events
  }

  /// Holds that a call fails with a code, and gives the error back.
  @discardableResult
  func expectRefusal(
    _ code: BrokerError.Code, of what: String, _ body: () async throws -> Void
  ) async throws -> BrokerError {
    do {
      try await body()
    } catch let error as BrokerError {
      try expectEqual(error.code, code, "the code of the error of \(what) (\(error))")
      try expect(!error.isRetriable, "waiting does not mend \(what); the error should not be retriable: \(error)")
      return error
    }
    throw ConformanceFailure("\(what) should be refused")
  }

  /// Claims a partition that nobody else claims.
  func claim(
    _ partition: GroupPartition, as member: String = "owner", on store: any Store, afterDeath: Bool = false
  ) async throws -> PartitionRecord {
    let epoch = try await record(of: partition, in: store).epoch
    let record = try await store.claim(partition, as: member, expecting: epoch, afterDeath: afterDeath)
    guard let record else { throw ConformanceFailure("\(member) should be given \(partition) under epoch \(epoch)") }
    return record
  }

  /// What a store keeps for one partition.
  func record(of partition: GroupPartition, in store: any Store) async throws -> PartitionRecord {
    try await store.records(of: partition.group, partitionCount: partition.number + 1)[partition.number]
  }

  /// Commits and waits for the answer.
  func commit(_ commit: PartitionCommit, on store: any Store) async throws -> CommitResult {
    let answer = Observed<CommitResult?>(nil)
    store.commit(commit) { result in answer.update { $0 = result } }
    guard let result = await answer.wait(until: deadline, { $0 }) else {
      throw ConformanceFailure("the commit \(commit.number) of \(commit.partition) was not answered in time")
    }
    return result
  }

  /// Commits and holds that the store applies it.
  func expectApplied(_ commit: PartitionCommit, on store: any Store) async throws {
    let result = try await self.commit(commit, on: store)
    guard case .applied = result else {
      throw ConformanceFailure("the commit \(commit.number) should be applied; the answer was \(result)")
    }
  }

  /// Commits and holds that the store does not own the partition any more.
  func expectLost(_ commit: PartitionCommit, _ why: String, on store: any Store) async throws {
    let result = try await self.commit(commit, on: store)
    guard case .ownershipLost = result else {
      throw ConformanceFailure("\(why) should answer ownershipLost; the answer was \(result)")
    }
  }

  /// Holds that a queue has exactly these messages.
  func expectMessages(_ ids: [String], in queue: String, of broker: any Broker, _ what: String) async throws {
    let receiver = try await queueReceiver(broker, of: queue, prefetch: ids.count + 10)
    let found = try await receiver.next(ids.count).ids
    try expectEqual(found.sorted(), ids.sorted(), what)
    try await receiver.nothing(for: .milliseconds(200), because: what)
    await receiver.close()
  }

  /// Holds that a partition has exactly these events, in this order.
  func expectEvents(
    _ ids: [String], in hub: String, partition: Int = 0, of brokers: Brokers, _ what: String
  ) async throws {
    let reader = try await reader(brokers, of: hub, partition: partition, grant: ids.count + 10)
    try expectEqual(try await reader.next(ids.count).ids, ids, what)
    try await reader.nothing(for: .milliseconds(200), because: what)
    await reader.close()
  }
}
