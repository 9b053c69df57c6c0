import MartletCore

/// What others did, and what time did.
extension Engine {
  /// Looks at what changed since the last time, at least once each second.
  func lookAround() throws(SQLiteError) {
    guard let store, nextLook <= .now else { return }
    checkReaders()
    nextLook = .now + (wake?.problem == nil ? .seconds(1) : .milliseconds(100))
    if store.database.hasMoved, location.file != nil { return reopen() }
    let (boot, wall) = (clock.boot(), clock.wall())
    learnPatience(boot)

    let news = try store.news()
    if news != seenNews {
      for queue in try store.queues(changedSince: seenNews) where readers[queue.id] != nil {
        if queue.isDeleted { deserted.insert(queue.id) } else { hot.insert(queue.id) }
        weigh(queue.id)
      }
      hear(of: try store.partitions(changedSince: seenNews))
      seenNews = news
      suspectQueues = try suspects(in: store)
    }
    nextDue = try store.nextDue()
    hasExpired = try store.hasExpired(now: wall)
    deletedQueue = try store.deletedQueue()
    hasDeletedHub = try store.hasDeletedHub()
    expiredInstances =
      boot < patienceUntil
      ? [] : try store.expiredInstances(besides: instance ?? 0, bootID: clock.bootID, now: boot)
    unregistered.formUnion(waiting)
  }

  /// Whoever was stopped or waited for the lock may not have been the only one: the others get time to renew first.
  private func learnPatience(_ boot: Int64) {
    if lookedAt != 0, boot - lookedAt > 1_000_000_000 + third { patienceUntil = boot + third * 3 / 2 }
    lookedAt = boot
  }

  /// Queues that this process reads and that have a suspect.
  func suspects(in store: Store) throws(SQLiteError) -> Set<Int64> {
    Set(try store.claims(of: Store.nobody).map(\.lowerBound.queue).filter { readers[$0] != nil })
  }

  /// The file is no longer where it was: whatever was done since would be lost with it.
  private func reopen() {
    troubled(
      BrokerError(
        .unavailable, "\(location.description) was moved or removed while it was in use; opening it anew",
        isRetriable: true))
    loseLease()
    store?.database.keepWAL()
    lock?.acquire()
    store = nil
    lock?.release()
    (lock, wake) = (nil, nil)
    (seenNews, nextDue, deletedQueue, hot, deserted) = (0, nil, nil, [], [])
    eager = []
    (hasExpired, expiredInstances, unconfirmed, hasDeletedHub) = (false, [], nil, false)
    partitionReaders = [:]
    for reader in eventReaders.values { reader.detach() }
    eagerReaders = Set(eventReaders.keys)
  }

  /// What this process held belongs to others now.
  func loseLease() {
    instance = nil
    renewedAt = 0
    suspect = nil
    (readers, eager) = ([:], [])
    for consumer in consumers.values {
      unregistered.insert(consumer.id)
      consumer.revoke()
    }
  }
}
