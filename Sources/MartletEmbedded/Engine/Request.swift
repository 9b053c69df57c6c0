import MartletCore

typealias Completion = @Sendable (CommitResult) -> Void
typealias Reply<Value> = @Sendable (Result<Value, BrokerError>) -> Void

/// What the broker and its consumers ask of the connection thread.
enum Request: Sendable {
  case start(deadline: ContinuousClock.Instant, Reply<Void>)
  case work(Work)
  case consume(ConsumerSpecification, Reply<Void>)
  case setPrefetch(consumer: Int, count: Int)
  case counts(queue: String, Reply<QueueCounts>)
  case deadLetters(queue: String, limit: Int, Reply<[DeadLetter]>)
  case close(deadline: ContinuousClock.Instant, @Sendable () -> Void)
  /// For tests: something to do on the thread.
  case perform(@Sendable (Engine) -> Void)
}

/// What has to be written. Done in the order of the calls, as many at a time as wait.
enum Work: Sendable {
  case declare(QueueDeclaration, Reply<Void>)
  case publish([OutgoingMessage], Completion)
  case commit(consumer: Int, CommitGroup, Completion)
  case closeConsumer(Int, @Sendable () -> Void)
  case delete(queue: String, Reply<Void>)

  /// How much of a transaction it fills.
  var weight: (count: Int, bytes: Int) {
    switch self {
    case .publish(let messages, _): (messages.count, messages.reduce(0) { $0 + $1.body.count })
    case .commit(_, let group, _): (group.settlements.count + group.outputs.count, group.outputBytes)
    case .declare, .closeConsumer, .delete: (1, 0)
    }
  }

  /// Answers it when it can no longer be done.
  func fail(_ error: BrokerError) {
    switch self {
    case .declare(_, let reply), .delete(_, let reply): reply(.failure(error))
    case .publish(let messages, let completion):
      if error.code == .closed {
        completion(.ownershipLost)
      } else {
        completion(.refused(Dictionary(uniqueKeysWithValues: messages.indices.map { ($0, error) })))
      }
    case .commit(_, _, let completion): completion(.ownershipLost)
    case .closeConsumer(_, let done): done()
    }
  }
}

extension Request {
  /// Answers it when it can no longer be done.
  func fail(_ error: BrokerError) {
    switch self {
    case .start(_, let reply), .consume(_, let reply): reply(.failure(error))
    case .work(let work): work.fail(error)
    case .counts(_, let reply): reply(.failure(error))
    case .deadLetters(_, _, let reply): reply(.failure(error))
    case .close(_, let done): done()
    case .setPrefetch, .perform: break
    }
  }
}
