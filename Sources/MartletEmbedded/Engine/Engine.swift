import Glibc
import MartletCore

/// The connection thread: owns the store, gathers what waits into one transaction, hands out messages, and sleeps in
/// between on its mailbox, the wake file and the next due time.
///
/// Not Sendable: made and used on its thread. The rest of it stands in extensions by what they do.
final class Engine {
  let location: EmbeddedLocation
  let environment: BrokerEnvironment
  let clock: EmbeddedClock
  let inbox: Mailbox<Request>

  /// The open store; nil until the first success, and after the file was moved away.
  var store: Store?
  var lock: StoreLock?
  var wake: WakeFile?
  /// Why it can never be opened. Everything is refused with it.
  var defect: BrokerError?
  var trouble: Trouble?
  var starts: [(deadline: ContinuousClock.Instant, reply: Reply<Void>)] = []
  var closing: (deadline: ContinuousClock.Instant, done: [@Sendable () -> Void])?
  var isFinished = false

  /// What waits to be written, in order.
  var works: [Work] = []
  /// So many of the first works run alone, because their common transaction failed through one of them.
  var alone = 0
  /// A transaction whose commit failed: the store knows whether it happened all the same.
  var unconfirmed: Effects?
  /// Called after each commit with its number; tests lose the answer with it.
  var afterCommit: ((Int64) throws(SQLiteError) -> Void)?

  var consumers: [Int: Consumer] = [:]
  var readers: [Int64: [Consumer]] = [:]
  /// Consumers that are to get their rows, by id.
  var unregistered: Set<Int> = []
  /// Consumers that could not get them and try again at the next look.
  var waiting: Set<Int> = []
  /// Queues that may have something to hand out, and are read here.
  var hot: Set<Int64> = []
  /// Those of them with a reader that has room. Kept, not computed: there may be ten thousand of either.
  var eager: Set<Int64> = []
  /// Queues that were deleted while this process reads them.
  var deserted: Set<Int64> = []
  var suspectQueues: Set<Int64> = []
  /// The one suspect of this process that is not settled.
  var suspect: (consumer: Int, place: Place)?
  var arena = ByteArena()
  /// How queues were declared that must not be made on first use.
  var strict: Set<String> = []

  var eventReaders: [Int: EventReader] = [:]
  /// Those that read a partition, by its row.
  var partitionReaders: [Int64: Set<Int>] = [:]
  /// Readers for which there may be something.
  var eagerReaders: Set<Int> = []
  var readersCheckedAt = ContinuousClock.now
  /// How hubs were declared that must not be made on first use.
  var strictHubs: Set<String> = []
  /// How hubs are made on first use.
  var notedHubs: [String: HubDeclaration] = [:]
  /// The partition of the next event without partition and key, by the row of the hub.
  var turns: [Int64: Int] = [:]
  /// By the row of a partition: when its retention is looked after next, by `clock.boot`, and how many went since then.
  var trims: [Int64: (due: Int64, next: Int64, removed: Int)] = [:]
  /// Whether a deleted hub has not been swept to the end.
  var hasDeletedHub = false

  var instance: Int64?
  var number: Int64 = 0
  /// By `clock.boot`: when the lease was last renewed, and when the thread last looked around.
  var renewedAt: Int64 = 0
  var lookedAt: Int64 = 0
  /// By `clock.boot`: until then nobody is taken over, since everybody may have been stopped together.
  var patienceUntil: Int64 = 0
  var expiredInstances: [(id: Int64, name: String)] = []
  var seenNews: Int64 = 0
  var nextDue: Int64?
  var hasExpired = false
  var deletedQueue: Int64?
  var checkpointAt = checkpointFrames
  var nextLook = ContinuousClock.now
  /// Positions that come before gather for the next transaction.
  var positionsDue = ContinuousClock.now
  /// So often at most: each transaction costs a write to the disk.
  static let positionPace = Duration.milliseconds(2)
  /// Reads, each with the number of works that were handed in before it.
  var reads: [(after: Int, request: Request)] = []
  var (acceptedWorks, doneWorks) = (0, 0)

  /// The store cannot be used for now.
  struct Trouble {
    var error: BrokerError
    var backoff = Backoff()
    var retryAt: ContinuousClock.Instant
    let since: ContinuousClock.Instant
  }

  init(location: EmbeddedLocation, environment: BrokerEnvironment, clock: EmbeddedClock, inbox: Mailbox<Request>) {
    self.location = location
    self.environment = environment
    self.clock = clock
    self.inbox = inbox
  }

  /// The loop of the thread.
  func run() {
    while !isFinished {
      sleep()
      for request in inbox.takeAll() { accept(request) }
      turn()
    }
    for request in reads.map(\.request) + inbox.close() { request.fail(.closed) }
  }

  private func turn() {
    if isReady() {
      do {
        try lookAround()
        if needsTransaction { try transact() }
        try answerReads()
        try readEvents()
        recovered()
      } catch {
        failed(error)
      }
    }
    expireStarts()
    finishIfClosing()
  }

  /// Whether the store is open and not in trouble at this moment.
  private func isReady() -> Bool {
    if defect != nil { return false }
    if let trouble, trouble.retryAt > .now { return false }
    return store != nil || open()
  }

  // MARK: Sleep

  private func sleep() {
    var descriptors = [
      pollfd(fd: inbox.signal.descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: wake?.descriptor ?? -1, events: Int16(POLLIN), revents: 0),
    ]
    _ = poll(&descriptors, 2, timeout())
    if descriptors[1].revents != 0 {
      wake?.clear()
      nextLook = .now
    }
  }

  /// Milliseconds until there is something to do without being woken.
  private func timeout() -> Int32 {
    let now = ContinuousClock.now
    var wait = nextLook - now
    if defect != nil {
      return -1
    } else if let trouble {
      wait = trouble.retryAt - now
    } else if store != nil {
      if needsTransaction || !eagerReaders.isEmpty { return 0 }
      if !works.isEmpty { wait = min(wait, positionsDue - now) }
      if let nextDue { wait = min(wait, .milliseconds(nextDue - clock.wall())) }
      if isReading { wait = min(wait, .nanoseconds(renewedAt + third - clock.boot())) }
    }
    for start in starts { wait = min(wait, start.deadline - now) }
    if let closing { wait = min(wait, closing.deadline - now) }
    return Int32(clamping: Int((max(wait, .zero) / .milliseconds(1)).rounded(.up)))
  }

  /// A third of the lease, in nanoseconds: how often it is renewed.
  var third: Int64 { Int64(environment.lease / .nanoseconds(1)) / 3 }

  /// Whether a transaction would do something now.
  var needsTransaction: Bool {
    hasDueWorks || !unregistered.isEmpty || hasExpired || deletedQueue != nil || hasDeletedHub
      || !expiredInstances.isEmpty
      || !deserted.isEmpty
      || isRenewalDue || (nextDue ?? .max) <= clock.wall() || !eager.isEmpty
      || (suspect == nil && suspectQueues.contains(where: hasDemand))
  }

  private var hasDueWorks: Bool { !works.isEmpty && !isGathering }

  /// Whether all that waits are positions that may wait for others.
  private var isGathering: Bool {
    closing == nil && alone == 0 && location.file != nil && works.allSatisfy(\.isPosition)
      && ContinuousClock.now < positionsDue
  }

  /// Whether others must know of this process: to wake it, and to keep what it was handed.
  private var isReading: Bool { !consumers.isEmpty || !eventReaders.isEmpty }

  private var isRenewalDue: Bool { isReading && clock.boot() >= renewedAt + third }

  private func hasDemand(in queue: Int64) -> Bool { readers[queue]?.contains { $0.demand > 0 } ?? false }

  /// To be called when a queue got or lost messages, or a reader of it room.
  func weigh(_ queue: Int64) {
    if hot.contains(queue), hasDemand(in: queue) { eager.insert(queue) } else { eager.remove(queue) }
  }

  /// The same for a consumer that got or lost room.
  func weigh(_ consumer: Consumer?) {
    if let queue = consumer?.registration?.queue { weigh(queue) }
  }
}

extension Consumer {
  /// How many messages it may be handed now.
  var demand: Int {
    isClosing || outstandingBytes >= Self.maxOutstandingBytes ? 0 : max(prefetch - outstanding, 0)
  }
}

extension BrokerError {
  static let closed = BrokerError(.closed, "the broker is closed", isRetriable: true)
}
