import MartletCore

extension QueueReader {
  /// How long an idle reader waits in the server. Short, because a connection that is to be closed waits with it.
  private static let block = 1000

  /// The name under which it reads now.
  private var readName: String { "\(consumer)/\(readNames)" }

  /// How many more entries it may hold.
  private var room: Int {
    // A suspect that waits or is on its way has a place.
    let isSuspectNext = isAskingForSuspect || (waitingSuspects > 0 && loop.suspectHolder == nil)
    return prefetch - outstanding - (isSuspectNext ? 1 : 0)
  }

  /// Whether it would read now. Small reads cost as much as large ones: it waits until a quarter of the prefetch is
  /// free, if more is about to be.
  var hasRoom: Bool {
    let room = room
    return !isReading && connection.isReady && room > 0 && (groups.isEmpty || room >= prefetch / 4)
  }

  func read(_ now: ContinuousClock.Instant) {
    guard hasRoom else { return }
    if let retryReadAt, now < retryReadAt { return }
    retryReadAt = nil
    isReading = true
    connection.requests.begin(arguments: 11)
    connection.requests.append("XREADGROUP")
    connection.requests.append("GROUP")
    connection.requests.append(QueueKeys.group)
    connection.requests.append(readName)
    connection.requests.append("COUNT")
    connection.requests.append(readSize.count(room: room))
    connection.requests.append("BLOCK")
    connection.requests.append(Self.block)
    connection.requests.append("STREAMS")
    connection.requests.append(keys.stream)
    connection.requests.append(">")
    let generation = generation
    connection.expect(allowance: .milliseconds(Self.block)) { [unowned self] reply in
      isReading = false
      // What a life that is over had asked for lies with a name of its own, and is given back with the rest of it.
      guard generation == self.generation, case .active = phase else { return }
      if let error = reply.error { return readFailed(error) }
      take(reply)
    }
  }

  /// The reading connection is gone, perhaps with an answer: the server has it in its books under this read name, and
  /// may go on adding to it until it notices. So that name is given up.
  func readerLost() {
    guard isReading else { return }
    isReading = false
    if strays.count == 64 { strays.removeFirst() }
    strays.append((readName, "\(lastSeen.high)-\(lastSeen.low)"))
    readNames += 1
    lastSeen = (0, 0)
    nextRound = .now
  }

  /// Wakes a read that sleeps in the server. Where the user has no right to, it sleeps until its time is over.
  func unblock() {
    guard isReading, !isUnblocking, let id = connection.clientID, loop.isReady else { return }
    isUnblocking = true
    loop.commands.requests.begin(arguments: 3)
    loop.commands.requests.append("CLIENT")
    loop.commands.requests.append("UNBLOCK")
    loop.commands.requests.append(id)
    loop.commands.expect { [weak self] _ in self?.isUnblocking = false }
  }

  private func readFailed(_ error: String) {
    let failure = BrokerError(redis: error, at: loop.url)
    switch failure.code {
    case .notFound: sourceLost(failure)
    case _ where failure.isRetriable:
      // The server cannot for now (BUSY, MISCONF, NOPERM…): what is in hand stays ours.
      retryReadAt = .now + (failure.code == .permission ? Self.retry : .milliseconds(200))
      failed(failure)
    default:
      failed(failure)
      fenced(failure.message)
    }
  }

  /// The stream or its group was deleted under us.
  func sourceLost(_ failure: BrokerError) {
    guard case .active = phase else { return }
    if !hasProblem {
      loop.environment.logger.error("redis: the queue \(keys.stream) was deleted; what it held is gone")
    }
    failed(failure)
    fenced("the queue was deleted")
  }

  private func take(_ reply: Reply) {
    succeeded()
    guard reply.nodes.count > 4 else { return }
    var position = 4
    var largest = 0
    let mostBytes = loop.environment.maxMessageBytes
    var deliveries: [Delivery] = []
    deliveries.reserveCapacity(reply.nodes[3].number)
    var entry = EntryDecoder.Entry()
    while position < reply.nodes.count {
      guard decoder.next(reply, &position, &entry) else { continue }
      lastSeen = (entry.high, entry.low)
      let size = entry.message.body.count
      largest = max(largest, size)
      let receipt = Receipt(generation: generation, high: entry.high, low: entry.low)
      outstanding += 1
      if entry.hasBody, size <= mostBytes {
        deliveries.append(Delivery(message: entry.takeMessage(), receipt: receipt, attempt: entry.spent + 1))
      } else {
        setAside(Delivery(message: entry.message, receipt: receipt, attempt: entry.spent + 1), entry)
      }
    }
    readSize.note(largest: largest)
    if !deliveries.isEmpty { handler.receive(deliveries) }
  }

  /// Settles what is not for the handler: an entry that is no message, or one that is too large.
  func setAside(_ delivery: Delivery, _ entry: EntryDecoder.Entry) {
    var group = CommitGroup()
    if entry.isWake, !entry.hasBody {
      nextMove = .now
      group.append(settlement: .complete(delivery.receipt), outputs: [])
    } else {
      let size = entry.message.body.count
      let text =
        entry.hasBody
        ? "the body has \(size) bytes; maxMessageBytes is \(loop.environment.maxMessageBytes)"
        : "the entry has no field named body"
      let reason = DeadLetterReason(
        code: entry.hasBody ? .tooLarge : .undecodable, function: subscription.function, errorType: nil,
        errorText: text, attempts: delivery.attempt - 1, source: .queue(keys.stream),
        traceID: entry.message.trace?.traceIDText)
      loop.environment.logger.error("redis: \(keys.stream)/\(delivery.message.id) is dead-lettered: \(text)")
      group.append(settlement: .deadLetter(delivery, reason), outputs: [])
    }
    commit(group) { _ in }
  }

  func setPrefetch(_ count: Int) {
    prefetch = count
    if count == 0 { unblock() }
  }
}
