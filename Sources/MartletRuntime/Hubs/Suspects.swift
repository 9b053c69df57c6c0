import MartletCore

/// After the death of an owner: the events of which one may have killed it.
struct Suspects: Sendable {
  /// The last sequence number that the dead owner can have had in hand.
  private(set) var through: Int64
  private var isLimited = false
  /// The event that was singled out last, with its attempt.
  var slot: SuspectEvent?
  /// The same as the store has it.
  private(set) var written: SuspectEvent?
  /// The one that an owner died of, perhaps.
  let found: EventOffset?
  /// The entry that may run now: its attempt is written.
  var announced: Int?

  init(through: Int64, slot: SuspectEvent?) {
    self.through = through
    self.slot = slot
    written = slot
    found = slot?.offset
  }

  /// Whether the store must be told.
  var mustWrite: Bool { slot != written }

  /// A commit is durable.
  /// - Parameter announced: the entry that was singled out with it.
  mutating func applied(_ suspect: SuspectEvent?, announcing announced: Int?) {
    written = suspect
    self.announced = announced
    if announced != nil { slot = suspect }
  }

  /// The attempt that was written last did not happen, or is not to count.
  mutating func takeBack() {
    announced = nil
    slot = slot.flatMap { $0.attempt > 1 ? SuspectEvent(offset: $0.offset, attempt: $0.attempt - 1) : nil }
  }

  /// Learns how many events there were when the partition was taken over: the dead owner had none behind that.
  mutating func limit(to sequenceNumber: Int64) {
    guard !isLimited else { return }
    isLimited = true
    through = min(through, sequenceNumber)
  }
}
