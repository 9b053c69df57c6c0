import MartletCore

/// Reads partitions, all that this process reads of all hubs, on the broker's thread.
///
/// Connections of its own, apart from the commits: two read what is there, each for half of the partitions, so that Redis
/// reads for one while this process takes in what the other brought. A third waits in the server for what comes to
/// partitions that were read to their end. What it brings is only the word that there is something; each event is read
/// where the read can be checked.
final class HubReading {
  private unowned let loop: RedisLoop
  private var cursors: [HubCursor] = []
  private var reading: [RedisConnection] = []
  /// The one of the reading connections that was left for later last.
  private var held = 0
  private var waiting: RedisConnection?
  /// Whether the waiting connection waits.
  private var isAwaiting = false
  private var isUnblocking = false
  /// Whether the user may wake a waiting connection. One who may not has it wait shortly.
  private var canUnblock = true
  private var waitAgainAt: ContinuousClock.Instant?

  private static let block = (long: 500, short: 20)

  init(loop: RedisLoop) { self.loop = loop }

  private static let mostConnections = 2

  var connections: [RedisConnection] { waiting.map { [$0] + reading } ?? [] }
  var isEmpty: Bool { cursors.isEmpty }

  func cursor(_ id: Int) -> HubCursor? { cursors.first { $0.id == id } }

  func add(_ cursor: HubCursor) {
    if waiting == nil { waiting = connect { [unowned self] in stopAwaiting() } }
    if reading.count < Self.mostConnections { addConnection() }
    cursor.connection = reading.indices.min { load($0) < load($1) } ?? 0
    cursors.append(cursor)
  }

  private func load(_ place: Int) -> Int { cursors.count { $0.connection == place } }

  private func addConnection() {
    let place = reading.count
    reading.append(
      connect { [unowned self] in
        if place == 0 { isUnblocking = false }
        for cursor in cursors where cursor.connection == place { cursor.connectionLost() }
      })
  }

  func remove(_ id: Int) {
    cursor(id)?.phase = .ended
    cursors.removeAll { $0.id == id }
    if cursors.isEmpty { close() }
  }

  func close() {
    for cursor in cursors { cursor.phase = .ended }
    cursors = []
    let open = connections
    (reading, waiting, isAwaiting, isUnblocking, waitAgainAt) = ([], nil, false, false, nil)
    for connection in open { connection.close() }
  }

  private func connect(onLost: @escaping () -> Void) -> RedisConnection {
    RedisConnection(
      url: loop.url, addresses: loop.addresses, name: "martlet:\(loop.environment.app):hubs", patience: loop.patience,
      onReady: {}, onLost: { _ in onLost() })
  }

  // MARK: The loop's calls

  var nextTurn: ContinuousClock.Instant {
    var next = ContinuousClock.now + .seconds(60)
    guard loop.isReady else { return next }
    for cursor in cursors where reading[cursor.connection].isReady {
      if let due = cursor.nextRead { next = min(next, due) }
    }
    if let waitAgainAt, waiting?.isReady == true { next = min(next, waitAgainAt) }
    return next
  }

  func turn(_ now: ContinuousClock.Instant) {
    // The scripts are loaded by the connection for commands.
    guard loop.isReady else { return }
    for cursor in cursors where cursor.wantsRead(now) && reading[cursor.connection].isReady {
      read(cursor, on: reading[cursor.connection], now)
    }
    wait(now)
  }

  /// Where both reading connections have something, the one to leave for the loop's next turn: what the other asks for
  /// next is on its way while this one is taken in.
  func toHold(where hasSomething: (RedisConnection) -> Bool) -> RedisConnection? {
    guard reading.count == Self.mostConnections, reading.allSatisfy(hasSomething) else { return nil }
    held = (held + 1) % reading.count
    return reading[held]
  }

  // MARK: Reading

  private func read(_ cursor: HubCursor, on connection: RedisConnection, _ now: ContinuousClock.Instant) {
    let (asked, look) = cursor.write(to: &connection.requests, now: now)
    var caught = HubCursor.Catch()
    connection.expect { [unowned self] reply in
      guard case .reading = cursor.phase else { return }
      if let error = reply.error { return cursor.refused(BrokerError(redis: error, at: loop.url)) }
      caught = cursor.take(reply, asked: asked, look: look) {
        read(cursor, on: connection, .now)
        connection.hurry()
      }
      if !look, !caught.isUseless { cursor.deliver(caught) }
    }
    guard look else { return }
    var found: StreamLook?
    RedisCall.script(\.lookAtPartition, keys: [cursor.key], cursor.lookArguments())
      .write(to: &connection.requests, loop.scripts)
    connection.expect { [unowned self] reply in
      guard case .reading = cursor.phase else { return }
      if reply.error?.hasPrefix("NOSCRIPT") == true {
        // Read again when the scripts are loaded.
        cursor.phase = .behind
        return loop.scriptsLost()
      }
      if let error = reply.error { return cursor.refused(BrokerError(redis: error, at: loop.url)) }
      found = StreamLook(reply)
    }
    RedisCall.command(["HGET", HubKeys(cursor.partition.hub).description, "partitions"])
      .write(to: &connection.requests, loop.scripts)
    connection.expect { [unowned self] reply in
      guard case .reading = cursor.phase, let found else { return }
      if let loss = cursor.note(found, isDeclared: cursor.partition.number < reply.rootInteger ?? 0) {
        remove(cursor.id)
        cursor.handler.receive(loss)
      } else {
        cursor.deliver(caught)
      }
    }
  }

  // MARK: Waiting

  private func wait(_ now: ContinuousClock.Instant) {
    guard let waiting, waiting.isReady else { return }
    if let waitAgainAt, now < waitAgainAt { return }
    waitAgainAt = nil
    guard cursors.contains(where: \.isWaitingInVain) else { return }
    if isAwaiting { return unblock() }
    var streams: [String: EventOffset] = [:]
    for cursor in cursors where cursor.isWaiting {
      // Two readers of one stream: what is new to the later one is new to both.
      streams[cursor.key] = min(streams[cursor.key] ?? cursor.last ?? .zero, cursor.last ?? .zero)
    }
    isAwaiting = true
    for cursor in cursors { cursor.awaitedBehind = streams[cursor.key] }
    let block = canUnblock ? Self.block.long : Self.block.short
    let ordered = streams.sorted { $0.key < $1.key }
    waiting.requests.begin(arguments: 6 + 2 * ordered.count)
    waiting.requests.append("XREAD")
    waiting.requests.append("COUNT")
    waiting.requests.append(1)
    waiting.requests.append("BLOCK")
    waiting.requests.append(block)
    waiting.requests.append("STREAMS")
    for stream in ordered { waiting.requests.append(stream.key) }
    for stream in ordered { waiting.requests.append(id: stream.value.high, stream.value.low) }
    waiting.expect(allowance: .milliseconds(block)) { [unowned self] reply in
      stopAwaiting()
      if reply.error != nil {
        // One stream among them is in trouble: each is read, and says so itself.
        waitAgainAt = .now + .milliseconds(200)
        for cursor in cursors where cursor.isWaiting { cursor.phase = .behind }
        return
      }
      let changed = reply.streamsRead
      for cursor in cursors where cursor.isWaiting && changed.contains(cursor.key) { cursor.phase = .behind }
    }
  }

  private func stopAwaiting() {
    isAwaiting = false
    for cursor in cursors { cursor.awaitedBehind = nil }
  }

  /// Wakes the waiting connection, which does not wait for all that it should.
  private func unblock() {
    guard canUnblock, !isUnblocking, let reading = reading.first, reading.isReady, let id = waiting?.clientID
    else { return }
    isUnblocking = true
    RedisCall.command(["CLIENT", "UNBLOCK", String(id)]).write(to: &reading.requests, loop.scripts)
    reading.expect { [unowned self] reply in
      isUnblocking = false
      if reply.error != nil { canUnblock = false }
    }
  }
}

extension Reply {
  /// The keys in an answer to XREAD.
  fileprivate var streamsRead: Set<String> {
    guard let root, root.kind == .array else { return [] }
    var keys: Set<String> = []
    var position = 1
    for _ in 0..<root.number where position + 1 < nodes.count {
      keys.insert(text(nodes[position + 1]))
      skip(&position)
    }
    return keys
  }

  /// Moves behind the node at `position`, with all that is in it.
  private func skip(_ position: inout Int) {
    var open = 1
    while open > 0, position < nodes.count {
      open -= 1
      if nodes[position].kind == .array { open += nodes[position].number }
      position += 1
    }
  }
}
