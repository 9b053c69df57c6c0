import Glibc
import MartletCore

/// The one thread of a broker: owns its connections and everything that belongs to them.
///
/// Each turn: sleep in `poll`, read what came, do what was asked, look at the clock, and write everything in one go per
/// connection; only reads of partitions leave as soon as they can.
final class RedisLoop {
  typealias Job = @Sendable (RedisLoop) -> Void

  let url: RedisURL
  let environment: BrokerEnvironment
  let scripts = Scripts()
  private(set) var commands: RedisConnection
  private(set) var readers: [QueueReader] = []
  /// What the names of this broker's consumers begin with. No other broker's do, even where a process starts again under
  /// the name of an earlier one: a name that came back would find the numbers of commits that are not its own.
  let life: String
  /// The reader that has a suspect out or on its way: at most one of this process does.
  var suspectHolder: Int?
  private(set) lazy var catalog = HubCatalog(loop: self)
  private(set) lazy var publishing = HubPublishing(loop: self)
  private(set) lazy var partitionCommits = PartitionCommits(loop: self)
  private(set) lazy var hubs = HubReading(loop: self)
  let addresses: HostAddresses
  /// How long a server may owe an answer.
  let patience: Duration
  private let mailbox: Mailbox<Job>
  private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 * 1024, alignment: 16)
  private var requests: [PendingRequest] = []
  private var loaded = 0
  private var reported: String?
  private var reportedAt = ContinuousClock.now
  /// How often it is said again that there is no connection.
  private static let reminder = Duration.seconds(60)
  private var lostAt: ContinuousClock.Instant?
  private(set) var readySince: ContinuousClock.Instant?
  private var wasEverReady = false
  private var isStopped = false

  init(url: RedisURL, environment: BrokerEnvironment, mailbox: Mailbox<Job>) {
    self.url = url
    self.environment = environment
    life = "\(environment.instance.prefix(32))-\(MessageIdentifier.random().prefix(16))"
    self.mailbox = mailbox
    addresses = HostAddresses(host: url.host, port: url.port)
    // A connection that is stuck must not cost a lease, which is over for its holder after two thirds and renewed every
    // fifth: 1/5 + 1/4 leaves time to connect again.
    patience = min(max(environment.lease / 4, .seconds(1)), .seconds(30))
    let unset = RedisConnection(
      url: url, addresses: addresses, name: "", patience: patience, onReady: {}, onLost: { _ in })
    commands = unset
    commands = RedisConnection(
      url: url, addresses: addresses, name: "martlet:\(environment.app)", patience: patience,
      onReady: { [unowned self] in loadScripts() }, onLost: { [unowned self] in commandsLost($0) })
  }

  deinit { buffer.deallocate() }

  func run() {
    while !isStopped {
      let connections = [commands] + readers.map(\.connection) + hubs.connections
      var polls = [pollfd(fd: mailbox.signal.descriptor, events: Int16(POLLIN), revents: 0)]
      var polled: [Int] = []
      for (index, connection) in connections.enumerated() {
        guard let poll = connection.poll else { continue }
        polls.append(poll)
        polled.append(index)
      }
      Glibc.poll(&polls, nfds_t(polls.count), timeout(connections))
      let now = ContinuousClock.now
      var events = [Int16](repeating: 0, count: connections.count)
      for (index, poll) in zip(polled, polls.dropFirst()) { events[index] = poll.revents }
      for reader in readers { reader.watch(now) }
      let held = hubs.toHold { connection in zip(connections, events).contains { $0 === connection && $1 != 0 } }
      for (connection, event) in zip(connections, events) where connection !== held {
        connection.turn(event, now: now, buffer: buffer)
      }
      for job in mailbox.takeAll() { job(self) }
      for reader in readers { reader.turn(now: now) }
      publishing.turn()
      partitionCommits.turn(now)
      hubs.turn(now)
      for request in requests where request.isDue(now) { send(request) }
      ring(now)
      commands.flush()
      for reader in readers { reader.connection.flush() }
      for connection in hubs.connections { connection.flush() }
    }
  }

  private func timeout(_ connections: [RedisConnection]) -> Int32 {
    var next = ContinuousClock.now + .seconds(60)
    for connection in connections {
      if let deadline = connection.deadline { next = min(next, deadline) }
    }
    for reader in readers { next = min(next, reader.nextTurn) }
    next = min(next, hubs.nextTurn, partitionCommits.nextTurn ?? next)
    if isReady { for request in requests { if let due = request.retryAt { next = min(next, due) } } }
    for alarm in alarms { next = min(next, alarm.time) }
    let wait = next - .now
    return wait <= .zero ? 0 : Int32(min(60_000, (wait / .milliseconds(1)).rounded(.up)))
  }

  // MARK: Requests that outlive a connection

  /// Asks, and asks again after a reconnect until there is an answer. Only for what may be done twice.
  func request(_ request: PendingRequest) {
    requests.append(request)
    if isReady { send(request) }
  }

  func finish(_ request: PendingRequest) { requests.removeAll { $0 === request } }

  private func send(_ request: PendingRequest) {
    guard isReady else { return }
    for _ in 0..<request.send(to: &commands.requests, scripts) {
      commands.expect { [unowned self] reply in
        if reply.error?.hasPrefix("NOSCRIPT") == true { scriptsLost() }
        request.handle(reply, self)
      }
    }
  }

  /// Whether scripts can be called.
  var isReady: Bool { commands.isReady && loaded == scripts.all.count }

  /// The server no longer knows the scripts: `SCRIPT FLUSH`, or another server behind the same address.
  func scriptsLost() { if isReady { loadScripts() } }

  // MARK: Life of the connection

  private func loadScripts() {
    loaded = 0
    for script in scripts.all {
      commands.requests.begin(arguments: 3)
      commands.requests.append("SCRIPT")
      commands.requests.append("LOAD")
      commands.requests.append(script.source)
      commands.expect { [unowned self] reply in
        guard let digest = reply.rootText else {
          return scriptRefused(reply.error ?? "no answer")
        }
        script.digest = digest
        loaded += 1
        if isReady { becameReady() }
      }
    }
  }

  private func scriptRefused(_ text: String) {
    let error = BrokerError(redis: text, at: url)
    problem =
      error.isRetriable
      ? error
      : BrokerError(
        .configuration, "Redis at \(url.place) refuses a script (\(text)); Redis 7 or later is needed",
        isRetriable: true)
    guard let problem, reported != problem.message else { return }
    reported = problem.message
    environment.logger.error("redis: \(problem.message)")
  }

  private func becameReady() {
    defer { wasEverReady = true }
    readySince = .now
    if reported != nil {
      let away = lostAt.map { ContinuousClock.now - $0 } ?? .zero
      environment.logger.information(
        "redis: connected\(wasEverReady ? " again" : "") to \(url.place) after \(away.inSeconds)")
    }
    reported = nil
    lostAt = nil
    for request in requests where !request.isSent { send(request) }
    for reader in readers { reader.commandsReady() }
  }

  private func commandsLost(_ error: BrokerError) {
    loaded = 0
    for script in scripts.all { script.digest = nil }
    for request in requests { request.isSent = false }
    for reader in readers { reader.commandsLost() }
    partitionCommits.commandsLost()
    guard !isStopped, error.code != .closed else { return }
    readySince = nil
    lostAt = lostAt ?? .now
    let now = ContinuousClock.now
    if reported != error.message || now - reportedAt > Self.reminder {
      let what = wasEverReady ? "connection lost" : "not connected"
      environment.logger.warning("redis: \(what): \(error.message); retrying")
      (reported, reportedAt) = (error.message, now)
    }
    problem = error
  }

  /// The last reason why there is no connection.
  private(set) var problem: BrokerError?

  func reader(_ id: Int) -> QueueReader? { readers.first { $0.id == id } }

  // MARK: Time

  private var alarms: [(time: ContinuousClock.Instant, action: () -> Void)] = []

  /// Calls `action` on this thread when the time has come.
  func at(_ time: ContinuousClock.Instant, _ action: @escaping () -> Void) { alarms.append((time, action)) }

  private func ring(_ now: ContinuousClock.Instant) {
    guard alarms.contains(where: { $0.time <= now }) else { return }
    let due = alarms.filter { $0.time <= now }
    alarms.removeAll { $0.time <= now }
    for alarm in due { alarm.action() }
  }

  /// Ends the readers after what was handed in, and calls `action` when all that was asked is answered, or at the
  /// deadline. A server that was never there is not waited for.
  func finish(by deadline: ContinuousClock.Instant, _ action: @escaping () -> Void) {
    guard wasEverReady else { return action() }
    if ContinuousClock.now < deadline {
      for reader in readers { reader.close { [unowned self] in remove(reader) } }
    }
    whenQuiet(by: deadline, action)
  }

  private func whenQuiet(by deadline: ContinuousClock.Instant, _ action: @escaping () -> Void) {
    let isQuiet = requests.isEmpty && readers.isEmpty && publishing.isEmpty && partitionCommits.isEmpty
    if isQuiet || ContinuousClock.now >= deadline { return action() }
    at(min(deadline, .now + .milliseconds(10))) { [unowned self] in whenQuiet(by: deadline, action) }
  }

  func add(_ reader: QueueReader) { readers.append(reader) }
  func remove(_ reader: QueueReader) {
    readers.removeAll { $0 === reader }
    reader.connection.close()
  }

  func stop() {
    isStopped = true
    for request in requests { request.abandon() }
    requests = []
    publishing.abandon()
    partitionCommits.abandon()
    hubs.close()
    for reader in readers { reader.abandon() }
    for reader in readers { reader.connection.close() }
    commands.close()
    for job in mailbox.close() { job(self) }
    for request in requests { request.abandon() }
    publishing.abandon()
    partitionCommits.abandon()
    hubs.close()
  }
}

extension Duration {
  /// `3.2 s`
  var inSeconds: String {
    let tenths = Int((self / .milliseconds(100)).rounded())
    return "\(tenths / 10).\(tenths % 10) s"
  }
}
