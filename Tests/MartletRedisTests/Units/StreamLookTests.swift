import MartletCore
import Testing

@testable import MartletRedis

/// What a reader makes of the stream that it finds behind its position.
@Suite struct StreamLookTests {
  private func id(_ low: UInt64) -> EventOffset { EventOffset(high: 100, low: low) }

  /// A stream that took `added` events, of which those from `first` on are there; ids and numbers run alike.
  private func stream(_ added: Int64, first: Int64 = 0, found: String? = nil) -> StreamLook {
    StreamLook(
      added: added, length: added - first, first: first == added ? nil : id(UInt64(first)),
      last: added == 0 ? nil : id(UInt64(added - 1)), eventID: found)
  }

  private func loss(_ look: StreamLook, _ checkpoint: Int64, event: String? = "e", isDeclared: Bool = true)
    -> EventLoss?
  {
    look.loss(
      behind: checkpoint < 0 ? nil : id(UInt64(checkpoint)), sequenceNumber: checkpoint,
      eventID: checkpoint < 0 ? nil : event, isDeclared: isDeclared)
  }

  private let missing = StreamLook(exists: false, added: 0, length: 0, first: nil, last: nil)

  @Test func whatIsThereIsNoLoss() {
    #expect(loss(stream(10, found: "e"), 4) == nil)
    #expect(loss(stream(10, found: "e"), 4, event: nil) == nil)
    #expect(loss(stream(10), -1) == nil)
    #expect(loss(stream(0), -1) == nil)
    #expect(loss(missing, -1) == nil)
  }

  @Test func whatWasReadMayBeGone() {
    #expect(loss(stream(10, first: 5), 4) == nil)
    #expect(loss(stream(10, first: 10), 9) == nil)
  }

  @Test func whatWasNotReadIsCounted() {
    #expect(loss(stream(10, first: 6), 4) == .retentionGap(missing: 1))
    #expect(loss(stream(10, first: 10), 4) == .retentionGap(missing: 5))
    #expect(loss(stream(10, first: 3), -1) == .retentionGap(missing: 3))
  }

  @Test func anotherStreamIsTold() {
    // Shorter than what was read.
    #expect(loss(stream(4, found: "e"), 4) == .recreated)
    #expect(loss(stream(0), 0) == .recreated)
    #expect(loss(missing, 3) == .recreated)
    // Another event at the checkpoint.
    #expect(loss(stream(10, found: "other"), 4) == .recreated)
    // Longer, and later: all that is there came behind the checkpoint.
    let later = StreamLook(
      added: 50, length: 50, first: EventOffset(high: 200, low: 0), last: EventOffset(high: 200, low: 49))
    #expect(loss(later, 4) == .recreated)
    #expect(loss(later, 4, event: nil) == .recreated)
    // Ids went back.
    let earlier = StreamLook(
      added: 50, length: 50, first: EventOffset(high: 9, low: 0), last: EventOffset(high: 9, low: 49))
    #expect(loss(earlier, 4) == .recreated)
  }

  @Test func holesInTheMiddleAreNoLoss() {
    // Number 4, the checkpoint, was removed by hand; older ones are there.
    let look = StreamLook(added: 10, length: 9, first: id(0), last: id(9))
    #expect(loss(look, 4) == nil)
  }

  @Test func aDeletedHubIsTold() {
    #expect(loss(missing, -1, isDeclared: false) == .deleted)
    #expect(loss(missing, 4, isDeclared: false) == .deleted)
    // A stranger's stream without a hub.
    #expect(loss(stream(3), -1, isDeclared: false) == nil)
  }

  @Test func whereGroupsBegin() {
    #expect(stream(0).start == PartitionPosition())
    #expect(stream(10).start == PartitionPosition())
    #expect(stream(10, first: 4).start == PartitionPosition(checkpoint: id(3), sequenceNumber: 3))
    #expect(stream(10, first: 10).start == PartitionPosition(checkpoint: id(9), sequenceNumber: 9))
    #expect(stream(10).end == PartitionPosition(checkpoint: id(9), sequenceNumber: 9))
    #expect(EventOffset(high: 5, low: 0).predecessor == EventOffset(high: 4, low: .max))
    #expect(EventOffset.zero.predecessor == .zero)
  }

  @Test(arguments: [
    [], [EventOffset(high: 100, low: 7)],
    [EventOffset(high: 100, low: 4), EventOffset(high: 112, low: 0), EventOffset(high: 112, low: .max)],
    // In no order, as only a stranger would have them.
    [EventOffset(high: 112, low: 0), EventOffset(high: 3, low: 1), EventOffset(high: .max, low: 0)],
  ])
  func finishedOffsetsAreReadAsTheyWereWritten(offsets: [EventOffset]) {
    for checkpoint in [nil, id(3)] {
      let text = FinishedOffsets.pack(offsets, after: checkpoint)
      #expect(FinishedOffsets.unpack(text, after: checkpoint) == offsets)
    }
    #expect(FinishedOffsets.pack([id(4), EventOffset(high: 112, low: 0)], after: id(3)) == "0-4 12-0")
  }
}
