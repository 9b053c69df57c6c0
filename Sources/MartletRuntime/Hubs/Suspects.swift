import MartletCore

/// After the death of an owner: which events run alone, because one of them may have killed it.
struct Suspects: Sendable {
  /// The last sequence number that the dead owner can have had in hand.
  private(set) var through: Int64
  private var isLimited = false
  /// The event that was singled out last, with its attempt, as the store has it.
  var slot: SuspectEvent?
  /// The entry that may run now: its attempt is written.
  var announced: Int?

  init(through: Int64, slot: SuspectEvent?) {
    self.through = through
    self.slot = slot
  }

  /// Learns how many events there were when the partition was taken over: the dead owner had none behind that.
  mutating func limit(to sequenceNumber: Int64) {
    guard !isLimited else { return }
    isLimited = true
    through = min(through, sequenceNumber)
  }
}
