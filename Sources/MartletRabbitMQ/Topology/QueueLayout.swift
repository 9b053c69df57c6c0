import MartletCore

/// The queues that Martlet makes and their arguments. Both are immutable on a broker: a golden file holds them, and a
/// new release may add queues but never change one.
enum QueueLayout {
  /// Dead letters of a queue.
  static func dead(of queue: String) -> String { queue + deadSuffix }
  /// Messages that somebody received and did not settle: handed out one at a time.
  static func suspects(of queue: String) -> String { queue + suspectsSuffix }

  static let deadSuffix = ".dead"
  static let suspectsSuffix = ".suspects"
  /// A name of AMQP has 255 bytes; the delay ladder and the suffixes need their part.
  static let longestName = 200

  /// The arguments of a queue, by its name.
  static func arguments(of queue: String) -> [Header] {
    if queue.hasSuffix(deadSuffix) { return [quorum, deliveryLimit] }
    let dead = Self.dead(
      of: queue.hasSuffix(suspectsSuffix) ? String(queue.dropLast(suspectsSuffix.count)) : queue)
    return [
      quorum, deliveryLimit, Header("x-dead-letter-exchange", ""),
      Header("x-dead-letter-routing-key", .string(dead)), atLeastOnce, rejectPublish,
    ]
  }

  /// The arguments of a step of the delay ladder.
  static func arguments(ofLevel level: Int) -> [Header] {
    [
      quorum, Header("x-message-ttl", .int(DelayLadder.milliseconds(ofLevel: level))),
      Header("x-dead-letter-exchange", .string(DelayLadder.exchange(below: level))), atLeastOnce, rejectPublish,
    ]
  }

  /// Where delayed messages go whose queue no longer exists.
  static let unroutableArguments = [quorum, deliveryLimit]

  private static let quorum = Header("x-queue-type", "quorum")
  /// So high that it never strikes: it makes returned messages go to the head of the queue, and keeps the limit of 20
  /// of later versions away.
  private static let deliveryLimit = Header("x-delivery-limit", 1_000_000)
  /// A dead letter is kept until its queue has it; asks for `reject-publish`.
  private static let atLeastOnce = Header("x-dead-letter-strategy", "at-least-once")
  private static let rejectPublish = Header("x-overflow", "reject-publish")
}
