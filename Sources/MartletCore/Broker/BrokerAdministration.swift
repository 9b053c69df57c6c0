/// What operators and tests ask of a broker.
public protocol BrokerAdministration: Broker {
  /// How many messages a queue holds. Zeros for a queue that does not exist.
  func counts(of queue: String) async throws(BrokerError) -> QueueCounts

  /// The oldest dead letters of a queue, without removing them.
  func deadLetters(of queue: String, limit: Int) async throws(BrokerError) -> [DeadLetter]

  /// Removes a queue with all that belongs to it: waiting, delayed, suspect and dead messages.
  func delete(queue: String) async throws(BrokerError)
}

/// How many messages a queue holds, by state.
public struct QueueCounts: Sendable, Hashable {
  /// Can be received now.
  public var ready: Int
  /// Wait for their time. On RabbitMQ, delayed messages of all queues share the ladder: see its documentation.
  public var delayed: Int
  /// Handed to a consumer and not settled.
  public var unsettled: Int
  /// Set aside.
  public var dead: Int

  public init(ready: Int = 0, delayed: Int = 0, unsettled: Int = 0, dead: Int = 0) {
    self.ready = ready
    self.delayed = delayed
    self.unsettled = unsettled
    self.dead = dead
  }
}

/// A message that was set aside, with its reason.
public struct DeadLetter: Sendable {
  /// As it was sent.
  public var message: Message
  /// Why, when and by whom.
  public var reason: DeadLetterReason

  public init(message: Message, reason: DeadLetterReason) {
    self.message = message
    self.reason = reason
  }
}
