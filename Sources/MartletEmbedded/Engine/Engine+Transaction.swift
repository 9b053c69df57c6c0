import Glibc
import MartletCore

/// One transaction for everything that waits.
extension Engine {
  /// A transaction ends near this many messages or bytes, so that nobody waits long for it.
  static let maxCount = 8_192
  static let maxBytes = 16 << 20
  /// Frames of 4 KiB in the WAL before they are written back.
  static let checkpointFrames = 4_000

  func transact() throws(SQLiteError) {
    guard let store else { return }
    let batch = nextBatch()
    let wantsSuspect = suspect == nil && !suspectQueues.isEmpty
    let failedAlone = alone > 0 && !batch.isEmpty
    var effects: Effects
    lock?.acquire()
    do throws(SQLiteError) {
      defer { lock?.release() }
      try store.begin(isDurable: batch.contains(where: \.isDurable) || wantsSuspect)
      guard let lease = try holdLease(store) else { return }
      effects = Effects(number: number + 1, instance: lease, began: clock.boot())
      do throws(SQLiteError) {
        for work in batch {
          if failedAlone { try applyAlone(work, in: store, &effects) } else { try apply(work, in: store, &effects) }
        }
        effects.works = batch.count
        try passTime(in: store, &effects)
        try register(in: store, &effects)
        if wantsSuspect || suspect != nil { try claimSuspects(in: store, &effects) }
        try claim(in: store, &effects)
        try store.renew(lease, deadline: effects.began + third * 3, number: effects.number)
      } catch {
        store.rollback()
        if !error.isOfTheSystem, !batch.isEmpty, !failedAlone { alone = batch.count }
        throw error
      }
      try commit(store, &effects)
    } catch {
      store.rollback()
      // One of the works cannot be done, whoever tries: each for itself, at once.
      if alone > 0, !failedAlone { return }
      throw error
    }
    perform(effects)
    checkpoint(store)
  }

  private func commit(_ store: Store, _ effects: inout Effects) throws(SQLiteError) {
    do throws(SQLiteError) {
      effects.news = try store.commit()
      try afterCommit?(effects.number)
    } catch {
      unconfirmed = effects
      throw error
    }
  }

  /// Whether the lease is still held, and whether the last transaction happened after all.
  /// - Returns: the row of the lease; nil where the transaction is over.
  private func holdLease(_ store: Store) throws(SQLiteError) -> Int64? {
    let past = unconfirmed
    if let held = instance ?? past?.instance, let last = try store.lastNumber(of: held, as: environment.instance) {
      if let past, past.number == last {
        store.rollback()
        unconfirmed = nil
        perform(past)
        return nil
      }
      if held == instance { return held }
    }
    if instance != nil {
      if !consumers.isEmpty {
        environment.logger.warning(
          "this process fell silent for longer than its lease; its messages were given to others")
      }
      loseLease()
    }
    let new = Store.Instance(
      name: environment.instance, app: environment.app, processID: Int64(getpid()), bootID: clock.bootID)
    return try store.insert(new, deadline: clock.boot() + third * 3, number: 0)
  }

  /// The works of the next transaction.
  private func nextBatch() -> ArraySlice<Work> {
    if alone > 0 { return works.prefix(1) }
    var (count, bytes, end) = (0, 0, works.startIndex)
    while end < works.endIndex, count < Self.maxCount, bytes < Self.maxBytes {
      let weight = works[end].weight
      count += weight.count
      bytes += weight.bytes
      end += 1
    }
    return works[..<end]
  }

  private func checkpoint(_ store: Store) {
    guard location.file != nil, store.database.walFrames >= checkpointAt else { return }
    lock?.acquire()
    defer { lock?.release() }
    // A failure costs nothing but disk: the frames stay in the WAL, and the next one tries again.
    let left = (try? store.database.checkpoint()).map { $0.frames - $0.done } ?? store.database.walFrames
    checkpointAt = Self.checkpointFrames + left
  }

  // MARK: After the commit

  private func perform(_ effects: Effects) {
    unconfirmed = nil
    positionsDue = .now + Self.positionPace
    number = effects.number
    doneWorks += effects.works
    instance = effects.instance
    renewedAt = effects.began
    works.removeFirst(effects.works)
    if alone > 0 { alone -= effects.works }
    expiredInstances = []
    (hasExpired, deletedQueue, hasDeletedHub) = (false, effects.deletedQueue, effects.hasDeletedHub)
    if effects.isSuspectSettled { suspect = nil }
    if let handed = effects.suspect { suspect = handed }
    if let queues = effects.suspectQueues { suspectQueues = queues }
    suspectQueues.subtract(effects.innocent)
    suspectQueues.formUnion(effects.suspectQueuesFound)
    if effects.didMoveDue { nextDue = effects.nextDue }
    if let due = effects.due { nextDue = min(nextDue ?? due, due) }
    if let news = effects.news {
      // With somebody else's news in between, the next look finds both.
      if news.number == seenNews + 1 { seenNews = news.number } else { nextLook = .now }
      hot.formUnion(news.queues.filter { readers[$0] != nil })
      hear(of: news.partitions)
    }
    if effects.hasOthers, effects.news != nil || effects.due != nil { wake?.notify() }
    hot.subtract(effects.idle)
    hot.subtract(effects.deserted)
    deserted.subtract(effects.deserted)

    for (consumer, registration) in effects.registered {
      readers[registration.queue, default: []].append(consumer)
      hot.insert(registration.queue)
      unregistered.remove(consumer.id)
      waiting.remove(consumer.id)
      consumer.register(registration)
    }
    for (consumer, problem) in effects.problems {
      unregistered.remove(consumer.id)
      waiting.insert(consumer.id)
      consumer.answer(problem: problem)
    }
    for consumer in effects.ended { remove(consumer) }
    for consumer in effects.homeless where consumers[consumer.id] != nil {
      leave(consumer)
      if suspect?.consumer == consumer.id { suspect = nil }
      consumer.revoke()
      unregistered.insert(consumer.id)
    }
    for answer in effects.answers { answer() }
    deliver(effects.changes)
    for queue in effects.idle + effects.deserted + (effects.news?.queues ?? []) { weigh(queue) }
    for (consumer, _) in effects.registered { weigh(consumer) }
    for id in effects.changes.keys { weigh(consumers[id]) }
  }

  private func deliver(_ changes: [Int: Effects.Change]) {
    for (id, change) in changes {
      guard let consumer = consumers[id], consumer.registration != nil else { continue }
      for (claim, count) in change.settled { consumer.settle(count, of: claim) }
      for claim in change.claims {
        consumer.hold(claim)
        consumer.handler.receive(claim.deliveries)
      }
    }
  }

  private func remove(_ consumer: Consumer) {
    leave(consumer)
    consumers[consumer.id] = nil
    unregistered.remove(consumer.id)
    waiting.remove(consumer.id)
    if suspect?.consumer == consumer.id { suspect = nil }
  }

  private func leave(_ consumer: Consumer) {
    guard let queue = consumer.registration?.queue else { return }
    readers[queue]?.removeAll { $0 === consumer }
    if readers[queue]?.isEmpty ?? false {
      readers[queue] = nil
      hot.remove(queue)
    }
    weigh(queue)
  }
}
