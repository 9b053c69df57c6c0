import MartletCore

/// What `HubScripts.look` answered: a partition's stream at one moment.
struct StreamLook: Sendable, Hashable {
  var exists: Bool
  /// How many entries it ever took.
  var added: Int64
  /// How many it holds.
  var length: Int64
  /// The oldest that it holds; nil in an empty one.
  var first: EventOffset?
  /// The last that it ever gave; nil where it never gave any.
  var last: EventOffset?
  /// The id of the event at the checkpoint that was asked for; nil where it is not there.
  var eventID: String?

  /// The sequence number of the oldest, if nobody removed entries from the middle.
  var firstSequence: Int64 { added - length }

  var tail: PartitionTail {
    let last = added > 0 ? last : nil
    return PartitionTail(sequenceNumber: added - 1, offset: last, enqueuedAt: last?.time)
  }

  init(
    exists: Bool = true, added: Int64, length: Int64, first: EventOffset?, last: EventOffset?, eventID: String? = nil
  ) {
    self.exists = exists
    self.added = added
    self.length = length
    self.first = first
    self.last = last
    self.eventID = eventID
  }

  init?(_ reply: Reply) {
    guard reply.nodes.count == 7, let added = reply.integer(reply.nodes[2]), let length = reply.integer(reply.nodes[3])
    else { return nil }
    let event = reply.text(reply.nodes[6])
    self.init(
      exists: reply.integer(reply.nodes[1]) == 1, added: Int64(added), length: Int64(length),
      first: length == 0 ? nil : EventOffset(reply.text(reply.nodes[4])),
      last: added == 0 ? nil : EventOffset(reply.text(reply.nodes[5])),
      eventID: event.isEmpty ? nil : String(event.dropFirst()))
  }

  /// Where a group is that wants what comes from now on.
  var end: PartitionPosition { PartitionPosition(checkpoint: last, sequenceNumber: added - 1) }

  /// Where a group is that wants all that is kept.
  var start: PartitionPosition {
    guard let first else { return end }
    return PartitionPosition(
      checkpoint: firstSequence <= 0 ? nil : first.predecessor, sequenceNumber: max(firstSequence, 0) - 1)
  }

  /// Why a group cannot go on behind its position; nil where it can. The look was taken with the position's checkpoint.
  ///
  /// - Parameter isDeclared: a stream that nobody wrote to yet does not exist. The hub's description tells whether its
  ///   partition does.
  func loss(
    behind checkpoint: EventOffset?, sequenceNumber: Int64, eventID known: String?, isDeclared: Bool
  ) -> EventLoss? {
    if !exists, !isDeclared { return .deleted }
    if added < sequenceNumber + 1 { return .recreated }
    if let eventID { return known == nil || known == eventID ? nil : .recreated }
    // Ids only grow.
    if let checkpoint, (last ?? .zero) < checkpoint, added > 0 { return .recreated }
    let missing = firstSequence - (sequenceNumber + 1)
    if missing > 0 { return .retentionGap(missing: missing) }
    // All that is there came behind the checkpoint, and yet some of it has an earlier number.
    if missing < 0, let checkpoint, let first, first > checkpoint { return .recreated }
    return nil
  }
}
