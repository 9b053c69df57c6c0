import MartletCore

/// A group whose settlements are being acknowledged: answered when the last one was written, or cannot be any more.
/// It lives on the consuming connection's thread.
///
/// Its checks for exclusive access are off, for the reason that `ConnectionLoop` gives.
final class SettledBatch {
  @exclusivity(unchecked) private var remaining: Int
  private let errors: [Int: BrokerError]
  private let completion: @Sendable (CommitResult) -> Void
  /// Whether a settlement came too late.
  @exclusivity(unchecked) private var isLate: Bool
  @exclusivity(unchecked) private var isAnswered = false
  /// How many deliveries of it the runtime was handed.
  let count: Int
  /// Where the output stood when its last acknowledgement was appended.
  @exclusivity(unchecked) var mark: UInt64 = 0

  init(
    remaining: Int, errors: [Int: BrokerError], isLate: Bool, completion: @escaping @Sendable (CommitResult) -> Void
  ) {
    (self.remaining, self.errors, self.isLate, self.completion) = (remaining, errors, isLate, completion)
    count = remaining
  }

  /// One acknowledgement was appended. True when it was the last.
  func acknowledged() -> Bool {
    remaining -= 1
    return remaining == 0
  }

  /// One settlement turned out to name no open delivery. True when nothing is left to wait for.
  func skip() -> Bool {
    isLate = true
    remaining -= 1
    return remaining == 0
  }

  /// The channel went away before the acknowledgements did.
  func lost() {
    isLate = true
    answer()
  }

  func answer() {
    guard !isAnswered else { return }
    isAnswered = true
    // A refused entry has to be heard of before a lost one: its delivery waits for another settlement.
    completion(!errors.isEmpty ? .refused(errors) : isLate ? .ownershipLost : .applied)
  }
}
