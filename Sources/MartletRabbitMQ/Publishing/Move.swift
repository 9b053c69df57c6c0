import Foundation
import MartletCore

/// A received message that is published again: a retry, a dead letter, a release, a suspect.
struct Move: Sendable {
  var message: Message
  /// The queue.
  var target: String
  /// Attempts spent.
  var attempts = 0
  /// Not before; nil is at once.
  var deliverAt: Date?
  /// Whether the broker may set it aside by itself when its time to live ends there.
  var mayExpire = false
  /// Why it is set aside.
  var reason: [Header] = []

  /// What a settlement publishes; nil for one that only acknowledges.
  init?(_ settlement: Settlement, queue: String, now: Date) {
    switch settlement {
    case .complete: return nil
    case .retry(let delivery, let delay):
      self.init(message: delivery.message, target: queue, attempts: delivery.attempt, mayExpire: true)
      if delay > .zero { deliverAt = now.addingTimeInterval(delay / .seconds(1)) }
    case .deadLetter(let delivery, let reason):
      self.init(message: delivery.message, target: QueueLayout.dead(of: queue), reason: reason.headers)
    case .release(let delivery):
      self.init(message: delivery.message, target: queue, attempts: delivery.attempt - 1, mayExpire: true)
    }
  }

  init(
    message: Message, target: String, attempts: Int = 0, deliverAt: Date? = nil, mayExpire: Bool = false,
    reason: [Header] = []
  ) {
    self.message = message
    self.target = target
    self.attempts = max(0, attempts)
    self.deliverAt = deliverAt
    self.mayExpire = mayExpire
    self.reason = reason
  }
}
