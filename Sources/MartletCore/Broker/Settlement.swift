/// What becomes of one delivery.
public enum Settlement: Sendable {
  /// Done: it leaves the queue.
  case complete(Receipt)
  /// It comes back after the time, with one attempt more. The broker keeps the number beside the message, so a crash
  /// does not erase it. A delayed one holds no worker and no place in the prefetch.
  indirect case retry(Delivery, after: Duration)
  /// It goes to the dead letters of its queue, with the reason.
  indirect case deadLetter(Delivery, DeadLetterReason)
  /// It goes back as if it had never been handed out: a drain before its start. No attempt is counted.
  indirect case release(Delivery)

  /// The delivery's receipt.
  public var receipt: Receipt {
    switch self {
    case .complete(let receipt): receipt
    case .retry(let delivery, _), .deadLetter(let delivery, _), .release(let delivery): delivery.receipt
    }
  }
}
