import Foundation
import MartletCore
import MartletRedis
import Testing

/// What is no longer there is told, before anything that follows it is handed out.
@Suite struct EventLossTests {
  /// A hub of 10 events and the positions behind each of them.
  private func filled() async throws -> (HubLab, [PartitionPosition]) {
    let lab = try await HubLab.open()
    try await lab.publish(0..<10)
    let inbox = EventInbox()
    let reader = try await lab.read(inbox)
    let positions = try await inbox.first(10).map(\.position)
    await reader.close()
    return (lab, positions)
  }

  private func loss(_ lab: HubLab, after position: PartitionPosition) async throws -> EventLoss? {
    let inbox = EventInbox()
    _ = try await lab.read(inbox, after: position)
    try await inbox.wait("a loss") { !$0.losses.isEmpty }
    #expect(inbox.events.isEmpty)
    return inbox.losses.first
  }

  @Test func whatWasTrimmedIsCounted() async throws {
    let (lab, positions) = try await filled()
    try lab.redis("XTRIM", lab.partition().description, "MAXLEN", "3")
    #expect(try await loss(lab, after: positions[2]) == .retentionGap(missing: 4))
    #expect(try await loss(lab, after: PartitionPosition()) == .retentionGap(missing: 7))
    // Up to the checkpoint itself is no loss.
    let inbox = EventInbox()
    _ = try await lab.read(inbox, after: positions[6])
    #expect(try await inbox.first(3).map(\.message.id) == ["e7", "e8", "e9"])
    try lab.redis("XTRIM", lab.partition().description, "MAXLEN", "0")
    #expect(try await loss(lab, after: positions[2]) == .retentionGap(missing: 7))
    await lab.close()
  }

  @Test func aTrimUnderAReaderIsTold() async throws {
    let (lab, positions) = try await filled()
    let inbox = EventInbox()
    let reader = try await lab.read(inbox, after: positions[1], granting: 2)
    _ = try await inbox.first(2)
    try lab.redis("XTRIM", lab.partition().description, "MAXLEN", "2")
    reader.grant(10)
    try await inbox.wait("the gap") { $0.losses == [.retentionGap(missing: 4)] }
    #expect(inbox.ids == ["e2", "e3"])
    await lab.close()
  }

  @Test(arguments: [1, 5, 10, 30])
  func aStreamThatWasMadeAgainIsNotTheSame(count: Int) async throws {
    let (lab, positions) = try await filled()
    let idle = EventInbox()
    _ = try await lab.read(idle, after: positions[9])
    let inbox = EventInbox()
    let reader = try await lab.read(inbox, after: positions[1], granting: 1)
    _ = try await inbox.first(1)
    try lab.redis("DEL", lab.partition().description)
    try await lab.publish(0..<count)
    #expect(try await loss(lab, after: positions[4]) == .recreated)
    reader.grant(10)
    for inbox in [idle, inbox] { try await inbox.wait("the loss") { $0.losses == [.recreated] } }
    #expect(idle.events.isEmpty)
    #expect(inbox.ids == ["e2"])
    await lab.close()
  }

  @Test func anotherEventAtTheCheckpointIsAnotherStream() async throws {
    let (lab, positions) = try await filled()
    var position = positions[4]
    position.eventID = "of another life"
    #expect(try await loss(lab, after: position) == .recreated)
    await lab.close()
  }

  @Test func aDeletedStreamIsTold() async throws {
    let (lab, positions) = try await filled()
    let inbox = EventInbox()
    _ = try await lab.read(inbox, after: positions[9])
    try await lab.broker.delete(hub: lab.hub)
    try await inbox.wait("the deletion") { $0.losses == [.deleted] }
    #expect(try await loss(lab, after: PartitionPosition()) == .deleted)
    #expect(try lab.redis("EXISTS", lab.partition().description) == "0")
    await lab.close()
  }

  @Test func aFlushIsTold() async throws {
    let (lab, positions) = try await filled()
    let inbox = EventInbox()
    _ = try await lab.read(inbox, after: positions[9])
    try lab.redis("DEL", lab.partition().description, "{\(lab.hub)}:hub")
    try await inbox.wait("the deletion") { $0.losses == [.deleted] }
    await lab.close()
  }

  /// Somebody removes single entries by hand: what follows is handed out all the same.
  @Test func holesInTheMiddleDoNotStopAReader() async throws {
    let (lab, positions) = try await filled()
    let inbox = EventInbox()
    let reader = try await lab.read(inbox, after: positions[2], granting: 2)
    _ = try await inbox.first(2)
    for index in [4, 6] {
      try lab.redis("XDEL", lab.partition().description, positions[index].checkpoint?.description ?? "")
    }
    reader.grant(10)
    #expect(try await inbox.first(6).map(\.message.id) == ["e3", "e4", "e5", "e7", "e8", "e9"])
    #expect(inbox.losses.isEmpty)
    await lab.close()
  }

  @Test func aKeyOfAnotherTypeIsAProblem() async throws {
    let lab = try await HubLab.open()
    try lab.redis("SET", lab.partition().description, "x")
    let inbox = EventInbox()
    _ = try await lab.read(inbox)
    try await inbox.wait("the problem") { $0.problems.contains { $0?.code == .conflict } }
    try lab.redis("DEL", lab.partition().description)
    try await lab.publish(0..<1)
    _ = try await inbox.first(1)
    #expect(inbox.problems.last.map { $0 == nil } ?? false)
    await lab.close()
  }
}
