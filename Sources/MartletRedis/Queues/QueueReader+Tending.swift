import MartletCore

extension QueueReader {
  /// Renews the lease, gives back what was cut off, takes over from the dead, asks when the next message is due.
  func makeRound(_ now: ContinuousClock.Instant) {
    nextRound = now + lease.interval
    let generation = generation
    let takesOver = if case .active = phase, now >= takeOverFrom { "1" } else { "0" }
    script(
      loop.scripts.tend, keys: [keys.stream, keys.leases, keys.numbers, keys.attempts, keys.delayed],
      [consumer, leaseText, takesOver, "1000"] + strays.flatMap { [$0.name, $0.lastSeen] }
    ) { [weak self] reply in
      guard let self, generation == self.generation else { return }
      if reply.rootText == "FENCED" { return fenced("its record is gone") }
      if let text = reply.error {
        let error = BrokerError(redis: text, at: loop.url)
        return error.code == .notFound ? sourceLost(error) : failed(error)
      }
      guard reply.nodes.count == 3 else { return }
      lease.confirm(sentAt: now)
      waitingSuspects = reply.nodes[1].number
      let wait = reply.nodes[2].number
      if wait >= 0, !isMoving { nextMove = .now + .milliseconds(min(wait, 3_600_000)) }
    }
  }

  // MARK: Suspects

  func askForSuspect() {
    guard !isAskingForSuspect, loop.suspectHolder == nil else { return }
    isAskingForSuspect = true
    loop.suspectHolder = id
    let generation = generation
    script(
      loop.scripts.suspect, keys: [keys.stream, keys.leases, keys.attempts], [consumer]
    ) { [weak self] reply in
      guard let self, generation == self.generation, case .active = phase else { return }
      isAskingForSuspect = false
      var position = 2
      var entry = EntryDecoder.Entry()
      guard reply.root?.kind == .array, reply.nodes.count > 4, let recorded = reply.integer(reply.nodes[1]),
        decoder.next(reply, &position, &entry)
      else {
        releaseSuspect()
        waitingSuspects = 0
        return
      }
      let receipt = Receipt(
        generation: generation, channel: Self.suspectChannel, high: entry.high, low: entry.low)
      outstanding += 1
      let delivery = Delivery(
        message: entry.message, receipt: receipt, attempt: entry.spent + 1 + recorded, isSuspect: true)
      if entry.hasBody, entry.message.body.count <= loop.environment.maxMessageBytes {
        handler.receive([delivery])
      } else {
        setAside(delivery, entry)
      }
    }
  }

  // MARK: Delays

  /// Moves what is due into the stream.
  func move() {
    guard !isMoving else { return }
    isMoving = true
    nextMove = nil
    script(loop.scripts.move, keys: [keys.stream, keys.delayed], ["100"]) { [weak self] reply in
      guard let self else { return }
      isMoving = false
      guard let wait = reply.rootInteger else {
        nextMove = .now + Self.retry
        return
      }
      guard wait >= 0 else { return }
      let due = ContinuousClock.now + .milliseconds(min(wait, 3_600_000))
      nextMove = min(nextMove ?? due, due)
    }
  }
}
