import MartletCore

/// What is asked of the thread, and how it begins and ends.
extension Engine {
  func accept(_ request: Request) {
    if let defect {
      if case .close(_, let done) = request {
        done()
        isFinished = true
      } else {
        request.fail(defect)
      }
      return
    }
    switch request {
    case .start(let deadline, let reply):
      if store == nil { starts.append((deadline, reply)) } else { reply(.success(())) }
    case .work(let work):
      if case .closeConsumer(let id, _) = work {
        consumers[id]?.isClosing = true
        weigh(consumers[id])
      }
      works.append(work)
      acceptedWorks += 1
    case .consume(let specification, let reply):
      let consumer = Consumer(specification, reply: reply)
      consumers[consumer.id] = consumer
      unregistered.insert(consumer.id)
      if let trouble { consumer.answer(problem: trouble.error) }
    case .setPrefetch(let id, let count):
      consumers[id]?.prefetch = count
      weigh(consumers[id])
    case .read(let specification, let reply): begin(specification, reply: reply)
    case .grant(let reader, let count): grant(count, to: reader)
    case .closeReader(let reader, let done):
      end(reader)
      done()
    case .counts, .deadLetters, .query: reads.append((acceptedWorks, request))
    case .note(let hub): note(hub)
    case .close(let deadline, let done):
      closing = (min(deadline, closing?.deadline ?? deadline), (closing?.done ?? []) + [done])
    case .perform(let body): body(self)
    }
  }

  /// Answers what only reads, once all is done that was handed in before it.
  func answerReads() throws(SQLiteError) {
    guard let store else { return }
    while let read = reads.first, read.after <= doneWorks {
      switch read.request {
      case .counts(let queue, let reply): reply(.success(try store.counts(of: queue)))
      case .deadLetters(let queue, let limit, let reply):
        reply(.success(try store.deadLetters(of: queue, limit: limit)))
      case .query(let query): try query.run(store)
      default: break
      }
      reads.removeFirst()
    }
  }

  // MARK: Opening

  /// Opens the store.
  /// - Returns: whether it is open.
  func open() -> Bool {
    do throws(BrokerError) {
      try openFiles()
      lock?.acquire()
      defer { lock?.release() }
      store = try StoreOpening.open(location, now: clock.wall())
      nextLook = .now
      for start in starts { start.reply(.success(())) }
      starts = []
      return true
    } catch {
      if error.isRetriable {
        troubled(error)
      } else {
        give(up: error)
      }
      return false
    }
  }

  private func openFiles() throws(BrokerError) {
    guard let file = location.file, lock == nil else { return }
    try StoreDirectory.prepare(location.directory)
    let lock = try StoreLock(turnstile: file + ".wake", lock: file + ".lock")
    let wake = try WakeFile(path: file + ".wake")
    if let problem = wake.problem {
      environment.logger.warning(
        "\(file) cannot be watched (\(problem)), so messages of other processes are found ten times a second; raise fs.inotify.max_user_instances and max_user_watches"
      )
    }
    self.wake = wake
    self.lock = lock
  }

  private func give(up error: BrokerError) {
    defect = error
    environment.logger.error("\(error.message)")
    for start in starts { start.reply(.failure(error)) }
    for consumer in consumers.values { consumer.reply?(.failure(error)) }
    for reader in eventReaders.values { reader.fail(error) }
    for work in works { work.fail(error) }
    for read in reads { read.request.fail(error) }
    (starts, consumers, unregistered, works, reads) = ([], [:], [], [], [])
    (eventReaders, eagerReaders) = ([:], [])
    if let closing {
      for done in closing.done { done() }
      isFinished = true
    }
  }

  func expireStarts() {
    guard let trouble, !starts.isEmpty else { return }
    let now = ContinuousClock.now
    for start in starts where start.deadline <= now { start.reply(.failure(trouble.error)) }
    starts.removeAll { $0.deadline <= now }
  }

  // MARK: Trouble

  /// A transaction or a read failed: everything is kept and tried again.
  func failed(_ error: SQLiteError) {
    troubled(error.brokerError(at: location.description))
  }

  func troubled(_ error: BrokerError) {
    let now = ContinuousClock.now
    var current = trouble ?? Trouble(error: error, retryAt: now, since: now)
    if trouble?.error.message != error.message { environment.logger.warning("\(error.message); trying again") }
    current.error = error
    current.retryAt = now + current.backoff.next()
    trouble = current
    for consumer in consumers.values { consumer.answer(problem: error) }
    for reader in eventReaders.values { reader.answer(problem: error) }
  }

  func recovered() {
    guard let past = trouble else { return }
    trouble = nil
    let seconds = ((ContinuousClock.now - past.since) / .milliseconds(100)).rounded() / 10
    environment.logger.information("\(location.description) works again after \(seconds) s")
    for consumer in consumers.values where consumer.registration != nil { consumer.answer(problem: nil) }
    for reader in eventReaders.values where reader.rows != nil { reader.answer(problem: nil) }
  }

  // MARK: Closing

  /// Ends the thread when all that was handed in is done, or the time is over.
  func finishIfClosing() {
    guard let closing, works.isEmpty || closing.deadline <= .now else { return }
    giveUpLease()
    isFinished = true
    for work in works { work.fail(.closed) }
    works = []
    for start in starts { start.reply(.failure(.closed)) }
    for consumer in consumers.values { consumer.reply?(.failure(.closed)) }
    for reader in eventReaders.values { reader.fail(.closed) }
    lock?.acquire()
    store = nil
    lock?.release()
    for done in closing.done { done() }
  }

  /// Puts back what was handed out and not settled, so that others need not wait for the lease.
  private func giveUpLease() {
    guard let store, let instance, trouble == nil else { return }
    lock?.acquire()
    defer { lock?.release() }
    do throws(SQLiteError) {
      try store.begin(isDurable: false)
      if try store.lastNumber(of: instance, as: environment.instance) != nil {
        for consumer in consumers.values {
          if let registration = consumer.registration { try store.endConsumer(registration.row) }
        }
        try store.delete(instance)
      }
      if try store.commit() != nil { wake?.notify() }
    } catch {
      // The lease ends by itself.
      store.rollback()
    }
  }
}
