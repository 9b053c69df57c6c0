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
  case query(HubQuery)
  /// How a hub is made that is missing.
  case note(HubDeclaration)
  case read(EventReader.Specification, Reply<Void>)
  case grant(reader: Int, count: Int)
  case closeReader(Int, @Sendable () -> Void)
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
  case hub(HubWork)
  case commitPartition(PartitionCommit, Completion)

  /// How much of a transaction it fills.
  var weight: (count: Int, bytes: Int) {
    switch self {
    case .publish(let messages, _): (messages.count, messages.reduce(0) { $0 + $1.body.count })
    case .commit(_, let group, _): (group.settlements.count + group.outputs.count, group.outputBytes)
    case .commitPartition(let commit, _):
      (
        commit.outputs.count + commit.values.count + 1,
        commit.outputs.reduce(0) { $0 + $1.body.count } + commit.values.reduce(0) { $0 + ($1.value?.count ?? 0) }
      )
    case .declare, .closeConsumer, .delete, .hub: (1, 0)
    }
  }

  /// Whether its answer says that the disk has it.
  var isDurable: Bool { if case .hub(let work) = self { work.isDurable } else { true } }

  /// Whether it only says how far a group is: what waits for that can wait for a moment.
  var isPosition: Bool {
    guard case .commitPartition(let commit, _) = self else { return false }
    return commit.outputs.isEmpty && commit.values.isEmpty && commit.suspect == nil
  }

  /// Answers it when it can no longer be done.
  func fail(_ error: BrokerError) {
    switch self {
    case .declare(_, let reply), .delete(_, let reply): reply(.failure(error))
    case .publish(let messages, let completion): Self.refuse(messages, error, completion)
    case .commitPartition(let commit, let completion): Self.refuse(commit.outputs, error, completion)
    case .hub(let work): work.fail(error)
    case .commit(_, _, let completion): completion(.ownershipLost)
    case .closeConsumer(_, let done): done()
    }
  }

  private static func refuse(_ messages: [OutgoingMessage], _ error: BrokerError, _ completion: Completion) {
    guard error.code != .closed else { return completion(.ownershipLost) }
    completion(.refused(Dictionary(uniqueKeysWithValues: messages.indices.map { ($0, error) })))
  }
}

extension Request {
  /// Answers it when it can no longer be done.
  func fail(_ error: BrokerError) {
    switch self {
    case .start(_, let reply), .consume(_, let reply), .read(_, let reply): reply(.failure(error))
    case .work(let work): work.fail(error)
    case .counts(_, let reply): reply(.failure(error))
    case .deadLetters(_, _, let reply): reply(.failure(error))
    case .query(let query): query.fail(error)
    case .close(_, let done), .closeReader(_, let done): done()
    case .setPrefetch, .grant, .perform, .note: break
    }
  }
}
