import Foundation
public import MartletCore

/// What operators ask.
extension RabbitMQBroker: BrokerAdministration {
  /// `ready` counts the suspects too. `delayed` is always 0: delayed messages of all queues share the ladder, where
  /// nobody can count those of one. `unsettled` is what this broker object's own consumers hold: AMQP does not tell of others.
  public func counts(of queue: String) async throws(BrokerError) -> QueueCounts {
    try check(queue)
    run()
    var counts = try await topology.perform { channel throws(BrokerError) in
      var counts = QueueCounts()
      guard let ready = try channel.count(queue) else { return counts }
      counts.ready = try ready + (channel.count(QueueLayout.suspects(of: queue)) ?? 0)
      counts.dead = try channel.count(QueueLayout.dead(of: queue)) ?? 0
      return counts
    }
    counts.unsettled = unsettled(of: queue)
    return counts
  }

  /// Reads them without acknowledging, and gives them back. Two readers at the same time see different parts.
  public func deadLetters(of queue: String, limit: Int) async throws(BrokerError) -> [DeadLetter] {
    try check(queue)
    run()
    return try await topology.perform { channel throws(BrokerError) in
      let name = QueueLayout.dead(of: queue)
      guard try channel.count(name) != nil else { return [] }
      var letters: [DeadLetter] = []
      var decoder = MessageDecoder()
      while letters.count < limit, let received = try channel.get(name, decoder: &decoder) {
        letters.append(received.deadLetter(of: queue))
      }
      try channel.closeChannel()
      return letters
    }
  }

  /// Delayed messages of the queue are still on the ladder; they end in `martlet.delay.unroutable`, or in the queue if
  /// it exists again by then.
  public func delete(queue: String) async throws(BrokerError) {
    try check(queue)
    run()
    try await topology.perform { channel throws(BrokerError) in
      for name in [queue, QueueLayout.suspects(of: queue), QueueLayout.dead(of: queue)] { try channel.delete(name) }
    }
  }
}

extension ReceivedMessage {
  /// A message out of a queue of dead letters: set aside by Martlet, by the broker, or by somebody without a word.
  func deadLetter(of queue: String) -> DeadLetter {
    let source = Address.queue(queue)
    let reason =
      DeadLetterReason(headers: Headers(reason), source: source)
      ?? death?.deadLetterReason(attempts: attempts)
      ?? DeadLetterReason(
        code: DeadLetterReason.Code(rawValue: "unknown"), function: nil, errorType: nil,
        errorText: "it was put there without a reason", attempts: attempts, source: source,
        time: message.enqueuedAt ?? .distantPast)
    return DeadLetter(message: message, reason: reason)
  }
}
