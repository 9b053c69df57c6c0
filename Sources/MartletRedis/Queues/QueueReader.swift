import Foundation
import MartletCore

/// One consumer of one queue, on the broker's thread: reads, commits, keeps its lease, looks after dead neighbours.
///
/// It has several lives. Each has a name of its own on the server, a lease under that name and its own row of commit
/// numbers. One that cannot renew its lease, or finds it gone, gives up what it held and begins another.
final class QueueReader {
  enum Phase {
    /// Has no lease: waits for the connection, the group or the registration.
    case joining
    case active
    /// Gives back what it holds: to end, or to begin another life.
    case leaving(isLast: Bool)
    case closed
  }

  let id: Int
  let subscription: QueueSubscription
  let keys: QueueKeys
  unowned let loop: RedisLoop
  let handler: any DeliveryHandler
  private(set) var connection: RedisConnection
  var phase = Phase.joining
  /// Its name on the server in this life.
  private(set) var consumer = ""
  private(set) var generation: UInt32 = 1
  private var isJoining = false
  private var isGroupMissing = false
  private var nextJoin = ContinuousClock.now
  private var isLeaving = false
  private var problem: String?
  private var onJoined: ((BrokerError?) -> Void)?
  private var onLeft: [() -> Void] = []

  // Reading.
  var prefetch: Int
  var outstanding = 0
  var isReading = false
  var isUnblocking = false
  var readSize = ReadSize()
  let decoder: EntryDecoder
  var retryReadAt: ContinuousClock.Instant?
  /// The last entry that has arrived under the present read name, and how many such names there were.
  var lastSeen: (high: UInt64, low: UInt64) = (0, 0)
  var readNames = 0
  /// Earlier read names, and the last entry that arrived under each: what lies behind it was cut off.
  var strays: [(name: String, lastSeen: String)] = []

  // Committing.
  var groups: [GroupInFlight] = []
  var lastNumber = 0
  var retryCommitsAt: ContinuousClock.Instant?

  // Tending.
  var lease: Lease
  var nextRound = ContinuousClock.now
  var takeOverFrom = ContinuousClock.now
  var waitingSuspects = 0
  var isAskingForSuspect = false
  var nextMove: ContinuousClock.Instant?
  var isMoving = false

  /// The channel in the receipts of suspects; zero in those of others.
  static let suspectChannel: UInt32 = 1
  /// How often a queue in trouble is tried again.
  static let retry = Duration.seconds(1)

  init(
    id: Int, _ subscription: QueueSubscription, handler: any DeliveryHandler, loop: RedisLoop,
    onJoined: @escaping (BrokerError?) -> Void
  ) {
    self.id = id
    self.subscription = subscription
    self.handler = handler
    self.loop = loop
    self.onJoined = onJoined
    keys = QueueKeys(subscription.queue.name)
    prefetch = subscription.prefetch
    decoder = EntryDecoder(queue: subscription.queue.name)
    lease = Lease(length: loop.environment.lease)
    connection = RedisConnection(
      url: loop.url, addresses: loop.addresses, name: "", patience: loop.patience, onReady: {}, onLost: { _ in })
    connection = RedisConnection(
      url: loop.url, addresses: loop.addresses, name: "martlet:\(loop.environment.app):\(subscription.function)",
      patience: loop.patience, onReady: {}, onLost: { [unowned self] _ in readerLost() })
  }

  // MARK: The loop's calls

  func commandsReady() {
    nextRound = .now
    nextMove = nextMove.map { _ in .now }
    // Everybody was away: the others get a lease time to come back before they are taken for dead.
    takeOverFrom = .now + loop.environment.lease
    if case .joining = phase { join() }
  }

  func commandsLost() {
    for group in groups { group.isSent = false }
    isJoining = false
    isLeaving = false
    isMoving = false
    if isAskingForSuspect {
      isAskingForSuspect = false
      loop.suspectHolder = nil
      waitingSuspects = max(waitingSuspects, 1)
    }
  }

  /// Called before what has arrived is handed out: a process that was stopped must not begin what is others' by now.
  func watch(_ now: ContinuousClock.Instant) {
    guard case .active = phase, let end = lease.end, now >= end else { return }
    log("could not renew its lease on \(keys.stream) in time; it gives up what it holds")
    phase = .leaving(isLast: false)
    revoke()
  }

  var nextTurn: ContinuousClock.Instant {
    let never = ContinuousClock.now + .seconds(60)
    switch phase {
    case .closed: return never
    case .joining: return loop.isReady && !isJoining ? nextJoin : never
    case .active, .leaving: break
    }
    guard loop.isReady else { return lease.end ?? never }
    var next = min(nextRound, lease.end ?? never)
    if let nextMove, !isMoving { next = min(next, nextMove) }
    if let retryCommitsAt { next = min(next, retryCommitsAt) }
    // Whoever cannot read need not wake up for it.
    if let retryReadAt, case .active = phase, hasRoom { next = min(next, retryReadAt) }
    return next
  }

  func turn(now: ContinuousClock.Instant) {
    guard loop.isReady else { return }
    switch phase {
    case .closed: return
    case .joining: if now >= nextJoin { join() }
    case .active:
      sendGroups(now)
      if now >= nextRound { makeRound(now) }
      if let nextMove, now >= nextMove { move() }
      if waitingSuspects > 0, outstanding < prefetch { askForSuspect() }
      read(now)
    case .leaving:
      sendGroups(now)
      if now >= nextRound { makeRound(now) }
      if groups.isEmpty { leave() }
    }
  }

  // MARK: A life begins

  func begin() { if loop.isReady { join() } }

  private func join() {
    guard loop.isReady, case .joining = phase, !isJoining else { return }
    isJoining = true
    isGroupMissing = false
    nextJoin = .now + Self.retry
    if subscription.queue.mode == .create {
      loop.commands.requests.begin(arguments: 6)
      for word in ["XGROUP", "CREATE", keys.stream, QueueKeys.group, "0", "MKSTREAM"] {
        loop.commands.requests.append(word)
      }
      loop.commands.expect { [weak self] reply in
        guard let self, let error = reply.error, !error.hasPrefix("BUSYGROUP") else { return }
        isGroupMissing = true
        failed(BrokerError(redis: error, at: loop.url))
      }
    }
    consumer = "\(loop.life).\(subscription.function).\(id).\(generation)"
    let sentAt = ContinuousClock.now
    script(loop.scripts.register, keys: [keys.leases], [consumer, leaseText]) { [weak self] reply in
      guard let self, case .joining = phase else { return }
      isJoining = false
      if isGroupMissing { return }
      if let error = reply.error { return failed(BrokerError(redis: error, at: loop.url)) }
      phase = .active
      lastNumber = 0
      lastSeen = (0, 0)
      strays = []
      lease.confirm(sentAt: sentAt)
      nextRound = .now
      // Perhaps all were away, and this is the first to come back.
      takeOverFrom = .now + loop.environment.lease
      nextMove = nil
      if subscription.queue.mode == .create { succeeded() } else { confirmed() }
    }
  }

  /// Somebody took over, or the queue or the lease record was deleted: what this life held is no longer ours.
  func fenced(_ why: String) {
    switch phase {
    case .active: if problem == nil { log("lost its lease on \(keys.stream): \(why)") }
    case .leaving: break
    case .joining, .closed: return
    }
    let lost = groups
    groups = []
    let isLast = if case .leaving(true) = phase { true } else { false }
    if case .active = phase { revoke() }
    for group in lost { group.completion(.ownershipLost) }
    left(isLast: isLast)
  }

  /// The handler's deliveries are void, and the next ones belong to another life.
  private func revoke() {
    generation += 1
    outstanding = 0
    waitingSuspects = 0
    releaseSuspect()
    handler.revoke(generationsBefore: generation)
  }

  func releaseSuspect() {
    isAskingForSuspect = false
    if loop.suspectHolder == id { loop.suspectHolder = nil }
  }

  // MARK: A life ends

  /// Ends the consumer after the commits that were handed in, and gives everything back.
  func close(completion: @escaping () -> Void) {
    onLeft.append(completion)
    prefetch = 0
    switch phase {
    case .closed: left(isLast: true)
    case .joining: left(isLast: true)
    case .active, .leaving: phase = .leaving(isLast: true)
    }
  }

  private func leave() {
    // What goes back must not come to this consumer's own sleeping read.
    guard !isReading else { return unblock() }
    guard !isLeaving else { return }
    isLeaving = true
    script(
      loop.scripts.leave, keys: [keys.stream, keys.leases, keys.numbers, keys.attempts], [consumer, "64"]
    ) { [weak self] reply in
      guard let self, case .leaving(let isLast) = phase else { return }
      isLeaving = false
      if reply.rootText == "MORE" { return }
      if let text = reply.error, BrokerError(redis: text, at: loop.url).isRetriable { return }
      left(isLast: isLast)
    }
  }

  private func left(isLast: Bool) {
    lease.drop()
    isLeaving = false
    guard isLast else {
      phase = .joining
      nextJoin = problem == nil ? .now : .now + Self.retry
      return
    }
    abandon()
    let waiting = onLeft
    onLeft = []
    for action in waiting { action() }
  }

  func abandon() {
    if case .closed = phase { return }
    phase = .closed
    let lost = groups
    groups = []
    releaseSuspect()
    for group in lost { group.completion(.ownershipLost) }
    onJoined?(BrokerError(.closed, "the broker was closed", isRetriable: true))
    onJoined = nil
  }

  // MARK: Trouble

  func failed(_ error: BrokerError) {
    if let onJoined {
      self.onJoined = nil
      if !error.isRetriable { return onJoined(error) }
      onJoined(nil)
    }
    guard problem != error.message else { return }
    problem = error.message
    handler.report(problem: error)
  }

  /// The queue can be read.
  func succeeded() {
    confirmed()
    guard problem != nil else { return }
    problem = nil
    handler.report(problem: nil)
  }

  private func confirmed() {
    onJoined?(nil)
    onJoined = nil
  }

  func log(_ what: String) { loop.environment.logger.warning("redis: \(consumer) \(what)") }

  var hasProblem: Bool { problem != nil }

  var leaseText: String { String(Int(loop.environment.lease / .milliseconds(1))) }

  func script(_ script: Script, keys: [String], _ arguments: [String], _ handler: @escaping (Reply) -> Void) {
    let loop = loop
    loop.commands.requests.begin(arguments: 3 + keys.count + arguments.count)
    loop.commands.requests.append("EVALSHA")
    loop.commands.requests.append(script.digest ?? "")
    loop.commands.requests.append(keys.count)
    for text in keys + arguments { loop.commands.requests.append(text) }
    loop.commands.expect { reply in
      if reply.error?.hasPrefix("NOSCRIPT") == true { loop.scriptsLost() }
      handler(reply)
    }
  }
}
