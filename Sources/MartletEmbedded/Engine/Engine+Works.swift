import MartletCore

/// What each work writes.
extension Engine {
  func apply(_ work: Work, in store: Store, _ effects: inout Effects) throws(SQLiteError) {
    switch work {
    case .declare(let declaration, let reply): try declare(declaration, reply, in: store, &effects)
    case .publish(let messages, let completion):
      let result = try publish(messages, in: store, &effects)
      effects.answers.append { completion(result) }
    case .commit(let id, let group, let completion):
      let result = try apply(group, of: id, in: store, &effects)
      effects.answers.append { completion(result) }
    case .closeConsumer(let id, let done):
      if let consumer = consumers[id] {
        if let registration = consumer.registration { try store.endConsumer(registration.row) }
        effects.ended.append(consumer)
      }
      effects.answers.append(done)
    case .delete(let queue, let reply):
      if let id = try store.queue(named: queue)?.id {
        try store.delete(queueNamed: queue)
        try desert(id, in: store, &effects)
        effects.deletedQueue = try store.deletedQueue()
      }
      effects.answers.append { reply(.success(())) }
    case .hub(let work): try work.apply(self, store, &effects)
    case .commitPartition(let commit, let completion):
      let result = try self.commit(commit, in: store, &effects)
      effects.answers.append { completion(result) }
    }
  }

  private func declare(
    _ declaration: QueueDeclaration, _ reply: @escaping Reply<Void>, in store: Store, _ effects: inout Effects
  ) throws(SQLiteError) {
    if declaration.mode == .create { strict.remove(declaration.name) } else { strict.insert(declaration.name) }
    switch declaration.mode {
    case .never: effects.answers.append { reply(.success(())) }
    case .create, .verify:
      let result = try target(declaration.name, in: store)
      if case .success(.missing) = result { _ = try store.queueCreating(named: declaration.name) }
      effects.answers.append { reply(result.map { _ in () }) }
    }
  }

  // MARK: Outputs

  /// Where a message would go.
  enum Target {
    case existing(QueueRow)
    /// Will be made on first use.
    case missing
  }

  func target(_ name: String, in store: Store) throws(SQLiteError) -> Result<Target, BrokerError> {
    if let queue = try store.queue(named: name) { return .success(.existing(queue)) }
    if let problem = Address.problem(withName: name) {
      return .failure(
        BrokerError(.configuration, "\"\(name)\" cannot be the name of a queue: \(problem)", isRetriable: false))
    }
    guard !strict.contains(name) else { return .failure(.missing(queue: name)) }
    return .success(.missing)
  }

  /// Why a message cannot be sent, whoever tries; nil where it can.
  func problem(with message: OutgoingMessage, in store: Store) throws(SQLiteError) -> BrokerError? {
    // A dead letter was let in once; it must not be lost for its size.
    if message.address.kind == .deadLetters {
      return Address.problem(withName: message.address.name).map { problem in
        BrokerError(
          .configuration, "there are no dead letters of \"\(message.address.name)\": \(problem)", isRetriable: false)
      }
    }
    guard message.address.kind == .queue || message.address.kind == .hub else {
      return BrokerError(
        .configuration, "the embedded broker carries queues and event hubs, so it cannot send to \(message.address)",
        isRetriable: false)
    }
    guard message.body.count <= environment.maxMessageBytes else {
      return BrokerError(
        .tooLarge,
        "a message to \(message.address) has \(message.body.count) bytes; at most \(environment.maxMessageBytes) are allowed (maxMessageBytes)",
        isRetriable: false)
    }
    if message.address.kind == .hub { return try problem(withEvent: message, in: store) }
    switch try target(message.address.name, in: store) {
    case .success: return nil
    case .failure(let error): return error
    }
  }

  func send(_ message: OutgoingMessage, in store: Store, _ effects: inout Effects) throws(SQLiteError) {
    switch message.address.kind {
    case .hub: return try send(event: message, in: store)
    case .deadLetters: return try store.insertDeadLetter(message, now: clock.wall())
    default: break
    }
    let queue = try store.queueCreating(named: message.address.name)
    if let due = try store.insert(message, into: queue, now: clock.wall()) { effects.delay(until: due) }
  }

  private func publish(_ messages: [OutgoingMessage], in store: Store, _ effects: inout Effects) throws(SQLiteError)
    -> CommitResult
  {
    var refused: [Int: BrokerError] = [:]
    for (index, message) in messages.enumerated() {
      if let problem = try problem(with: message, in: store) {
        refused[index] = problem
      } else {
        try send(message, in: store, &effects)
      }
    }
    return refused.isEmpty ? .applied : .refused(refused)
  }

  // MARK: Alone

  /// Does a work that made its common transaction fail; where it fails again it is refused, and nothing of it stays.
  func applyAlone(_ work: Work, in store: Store, _ effects: inout Effects) throws(SQLiteError) {
    do throws(SQLiteError) {
      var trial = effects
      try store.savepoint { () throws(SQLiteError) in try apply(work, in: store, &trial) }
      effects = trial
    } catch {
      guard !error.isOfTheSystem else { throw error }
      let refusal = error.brokerError(at: location.description)
      environment.logger.error("\(refusal.message); it is refused")
      if case .commit(let id, let group, let completion) = work {
        let result = try applyEntries(of: group, consumer: id, in: store, &effects)
        effects.answers.append { completion(result) }
      } else {
        effects.answers.append { work.fail(refusal) }
      }
    }
  }

  /// Entry by entry, so that an innocent never pays for a neighbour.
  private func applyEntries(of group: CommitGroup, consumer: Int, in store: Store, _ effects: inout Effects)
    throws(SQLiteError) -> CommitResult
  {
    var refused: [Int: BrokerError] = [:]
    for index in group.entries.indices {
      do throws(SQLiteError) {
        var trial = effects
        var result = CommitResult.applied
        try store.savepoint { () throws(SQLiteError) in
          result = try apply(group.entry(at: index), of: consumer, in: store, &trial)
        }
        effects = trial
        switch result {
        case .applied: break
        case .ownershipLost: refused[index] = .leaseOver
        case .refused(let errors): refused[index] = errors[0]
        }
      } catch {
        guard !error.isOfTheSystem else { throw error }
        refused[index] = error.brokerError(at: location.description)
      }
    }
    return refused.isEmpty ? .applied : .refused(refused)
  }
}

extension BrokerError {
  static func missing(queue: String) -> BrokerError {
    BrokerError(
      .notFound, "the queue \(queue) does not exist; create it, or declare it with mode create", isRetriable: false)
  }

  static let leaseOver = BrokerError(
    .closed, "the lease under which the message was received is over; the message comes back", isRetriable: true)
}
