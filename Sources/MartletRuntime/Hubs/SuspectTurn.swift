import MartletCore

/// Whose turn it is to run an event that may kill the process: one partition at a time, so that when the process dies
/// the blame falls on one event alone.
final class SuspectTurn: Sendable {
  private let holder = Locked<Int?>(nil)

  /// Takes the turn for a partition, or keeps it. False while another one has it.
  func take(_ partition: Int) -> Bool {
    holder.withLock { holder in
      if let holder, holder != partition { return false }
      holder = partition
      return true
    }
  }

  func giveUp(_ partition: Int) {
    holder.withLock { if $0 == partition { $0 = nil } }
  }
}
