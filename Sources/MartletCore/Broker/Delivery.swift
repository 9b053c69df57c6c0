/// A message that a consumer was handed and has to settle.
public struct Delivery: Sendable {
  /// As it was sent.
  public var message: Message
  /// What the broker needs to find it again.
  public var receipt: Receipt
  /// This run's number: 1 on the first, one more after every failure and after every death of a process that ran it.
  public var attempt: Int
  /// Whether an earlier delivery of it ended without a word: its process died, or lost the queue. The broker hands out
  /// one suspect at a time per process, and has recorded the attempt before.
  public var isSuspect: Bool

  public init(message: Message, receipt: Receipt, attempt: Int = 1, isSuspect: Bool = false) {
    self.message = message
    self.receipt = receipt
    self.attempt = attempt
    self.isSuspect = isSuspect
  }
}
