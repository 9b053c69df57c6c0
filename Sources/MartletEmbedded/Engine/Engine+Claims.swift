import MartletCore

/// Who is handed what, inside of a transaction.
extension Engine {
  /// Moves what is due, expires, takes over from the dead and sweeps.
  func passTime(in store: Store, _ effects: inout Effects) throws(SQLiteError) {
    let wall = clock.wall()
    if (nextDue ?? .max) <= wall {
      _ = try store.moveDue(now: wall, limit: 1_000)
      effects.nextDue = try store.nextDue()
      effects.didMoveDue = true
    }
    if hasExpired { try store.expire(now: wall, limit: 1_000) }
    if let deletedQueue {
      try store.sweep(deletedQueue, limit: 5_000)
      effects.deletedQueue = try store.deletedQueue()
    }
    if hasDeletedHub || effects.hasDeletedHub { effects.hasDeletedHub = try store.sweepHubs(limit: 5_000) }
    for queue in deserted { try desert(queue, in: store, &effects) }
    for (id, name) in expiredInstances {
      environment.logger.information("\(name) fell silent; what it had received is handed out again")
      try store.takeOver(id)
    }
    if !expiredInstances.isEmpty { effects.suspectQueues = try suspects(in: store) }
    effects.hasOthers = try store.hasOtherInstance(than: effects.instance)
  }

  /// Takes the readers of a deleted queue from it; they begin again with a queue of that name.
  func desert(_ queue: Int64, in store: Store, _ effects: inout Effects) throws(SQLiteError) {
    effects.deserted.append(queue)
    for consumer in readers[queue] ?? [] where !effects.homeless.contains(where: { $0 === consumer }) {
      if let registration = consumer.registration { try store.deleteConsumer(registration.row) }
      effects.homeless.append(consumer)
    }
  }

  /// Gives consumers their rows.
  func register(in store: Store, _ effects: inout Effects) throws(SQLiteError) {
    for case let consumer? in unregistered.map({ consumers[$0] }) where !consumer.isClosing {
      let name = consumer.queue.name
      let queue: QueueRow
      if let existing = try store.queue(named: name) {
        queue = existing
      } else if let problem = Address.problem(withName: name) {
        effects.problems.append(
          (
            consumer,
            BrokerError(.configuration, "\"\(name)\" cannot be the name of a queue: \(problem)", isRetriable: false)
          ))
        continue
      } else if consumer.queue.mode == .create {
        queue = try store.queueCreating(named: name)
      } else {
        effects.problems.append((consumer, .missing(queue: name)))
        continue
      }
      let row = try store.insertConsumer(of: effects.instance, queue: queue.id, function: consumer.function)
      if try store.suspects(of: queue.id) != nil { effects.suspectQueuesFound.append(queue.id) }
      effects.registered.append((consumer, Consumer.Registration(row: row, queue: queue.id)))
    }
  }

  /// Hands out one suspect, if none is in work.
  func claimSuspects(in store: Store, _ effects: inout Effects) throws(SQLiteError) {
    guard suspect == nil || effects.isSuspectSettled else { return }
    for queue in effects.suspectQueues ?? suspectQueues {
      guard let consumer = readers[queue]?.first(where: { demand(of: $0, effects) > 0 }),
        let registration = consumer.registration
      else { continue }
      while let range = try store.suspects(of: queue) {
        let claim = try store.claimSuspect(
          in: range, for: registration.row, generation: consumer.generation,
          maxMessageBytes: environment.maxMessageBytes)
        guard let claim else { continue }
        effects.hand(claim, to: consumer)
        effects.suspect = (consumer.id, claim.first)
        return
      }
      effects.innocent.append(queue)
    }
  }

  /// Hands out what nobody has.
  func claim(in store: Store, _ effects: inout Effects) throws(SQLiteError) {
    try removeFinishedClaims(in: store, effects)
    var left = Store.Allowance(messages: Self.maxCount, bytes: Self.maxBytes)
    for id in candidates(in: store, effects) where left.messages > 0 && left.bytes > 0 {
      guard let readers = readers[id] else { continue }
      guard !deserted.contains(id), readers.contains(where: { demand(of: $0, effects) > 0 }) else { continue }
      guard let queue = try store.queue(id), queue.name != nil else {
        try desert(id, in: store, &effects)
        continue
      }
      // Another one begins each time, so that readers of one queue get equal shares.
      let start = Int(effects.number % Int64(readers.count))
      for consumer in readers[start...] + readers[..<start] where queue.hasReady {
        try claim(from: queue, for: consumer, &left, in: store, &effects)
      }
      if !queue.hasReady { effects.idle.append(id) }
    }
  }

  /// Queues that may have something for a reader with room, counting what this transaction does.
  private func candidates(in store: Store, _ effects: Effects) -> Set<Int64> {
    var candidates = eager
    for id in effects.changes.keys {
      if let queue = consumers[id]?.registration?.queue, hot.contains(queue) { candidates.insert(queue) }
    }
    for queue in store.queues.values where queue.hasReady && readers[queue.id] != nil { candidates.insert(queue.id) }
    return candidates
  }

  private func claim(
    from queue: QueueRow, for consumer: Consumer, _ left: inout Store.Allowance, in store: Store,
    _ effects: inout Effects
  ) throws(SQLiteError) {
    let demand = min(demand(of: consumer, effects), left.messages)
    guard demand > 0, let registration = consumer.registration else { return }
    let bytes = min(Consumer.maxOutstandingBytes - consumer.outstandingBytes, left.bytes)
    let claims = try store.claim(
      from: queue, for: registration.row, generation: consumer.generation,
      Store.Allowance(messages: demand, bytes: bytes), maxMessageBytes: environment.maxMessageBytes, arena: &arena)
    for claim in claims {
      effects.hand(claim, to: consumer)
      left.messages -= claim.deliveries.count
      left.bytes -= claim.bytes
    }
  }

  /// How many messages a consumer may be handed, counting what this transaction does.
  private func demand(of consumer: Consumer, _ effects: Effects) -> Int {
    guard let change = effects.changes[consumer.id], !consumer.isClosing else { return consumer.demand }
    guard consumer.outstandingBytes + change.claimedBytes < Consumer.maxOutstandingBytes else { return 0 }
    return max(consumer.prefetch - consumer.outstanding + change.settledCount - change.claimedCount, 0)
  }

  private func removeFinishedClaims(in store: Store, _ effects: Effects) throws(SQLiteError) {
    for (id, change) in effects.changes {
      guard let consumer = consumers[id], let registration = consumer.registration else { continue }
      for (claim, count) in change.settled where consumer.claims[claim]?.remaining == count {
        try store.deleteClaim(of: registration.row, first: claim)
      }
    }
  }
}
