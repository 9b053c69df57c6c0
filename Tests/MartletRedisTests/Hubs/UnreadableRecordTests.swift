import Foundation
import MartletCore
import MartletRedis
import Testing

/// What somebody, or a broken disk, made of a group's record is told, and never taken for a group without a position.
@Suite struct UnreadableRecordTests {
  private static let position = PartitionPosition(
    checkpoint: EventOffset(high: 1_700_000_000_000, low: 3), sequenceNumber: 41, eventID: "e41",
    enqueuedAt: Date(timeIntervalSince1970: 1_700_000_000), finished: [EventOffset(high: 1_700_000_000_000, low: 5)])

  /// A hub of two partitions with a committed position in both.
  private func committed() async throws -> HubLab {
    let lab = try await HubLab.open(partitions: 2)
    for partition in 0..<2 {
      _ = try await lab.broker.claim(lab.owned(partition), as: "m", expecting: 0, afterDeath: false)
      #expect(await lab.commit(1, position: Self.position, partition: partition).isApplied)
    }
    return lab
  }

  @Test(arguments: [
    ("sequence", "4x1"), ("checkpoint", "17000-"), ("checkpoint", ""), ("finished", "0-5 ?"), ("enqueued", "monday"),
  ])
  func whatMakesNoSenseIsNamed(field: String, value: String) async throws {
    let lab = try await committed()
    let key = "{\(lab.hub):0}:detect:record"
    try lab.redis("HSET", key, field, value)
    let records = try await lab.broker.records(of: lab.group, partitionCount: 2)
    #expect(records[0].position == nil)
    #expect(records[0].unreadable == "\(key): the field \(field) is \"\(value)\"")
    #expect(records[1].position == Self.position && records[1].unreadable == nil)
    let claimed = try await lab.broker.claim(lab.owned(), as: "n", expecting: 1, afterDeath: false)
    #expect(claimed?.unreadable == records[0].unreadable && claimed?.epoch == 2)
    // A move mends it.
    try await lab.broker.move(lab.owned(), to: PartitionPosition())
    #expect(try await lab.record().unreadable == nil)
    #expect(try await lab.record().position == PartitionPosition())
    await lab.close()
  }

  @Test func aFieldThatIsMissingIsNamed() async throws {
    let lab = try await committed()
    try lab.redis("HDEL", "{\(lab.hub):0}:detect:record", "sequence")
    #expect(try await lab.record().unreadable == "{\(lab.hub):0}:detect:record: the field sequence is missing")
    await lab.close()
  }

  /// Whoever owned it is fenced, and the next epoch is one that nobody had.
  @Test func anEpochThatMakesNoSenseIsFollowedByANewOne() async throws {
    let lab = try await committed()
    for partition in 0..<2 {
      try lab.redis("HSET", "{\(lab.hub):\(partition)}:detect:record", "epoch", "?", "deaths", "many")
    }
    #expect(await lab.commit(2, position: Self.position).isOwnershipLost)
    let own = try #require(try await lab.broker.claim(lab.owned(), as: "n", expecting: 0, afterDeath: true))
    #expect(own.epoch > 1_000_000_000_000 && own.deaths == 1 && own.position == Self.position)
    #expect(await lab.commit(1, epoch: own.epoch, position: Self.position).isApplied)
    try await lab.broker.move(lab.owned(1), to: PartitionPosition())
    #expect(try await lab.record(1).epoch > 1_000_000_000_000)
    await lab.close()
  }
}
