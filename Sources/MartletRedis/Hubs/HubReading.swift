import MartletCore

/// Reads partitions, all that this process reads of all hubs, on the broker's thread.
///
/// Two connections, apart from the commits: one reads what is there, the other waits in the server for what comes to
/// partitions that were read to their end. What it brings is only the word that there is something; each event is read
/// where the read can be checked.
final class HubReading {
  private unowned let loop: RedisLoop
  private var cursors: [HubCursor] = []
  private var reading: RedisConnection?
  private var waiting: RedisConnection?
  /// Whether the waiting connection waits.
  private var isAwaiting = false
  private var isUnblocking = false
  /// Whether the user may wake a waiting connection. One who may not has it wait shortly.
  private var canUnblock = true
  private var waitAgainAt: ContinuousClock.Instant?

  private static let block = (long: 500, short: 20)

  init(loop: RedisLoop) { self.loop = loop }

  var connections: [RedisConnection] { [reading, waiting].compactMap { $0 } }
  var isEmpty: Bool { cursors.isEmpty }

  func cursor(_ id: Int) -> HubCursor? { cursors.first { $0.id == id } }

  func add(_ cursor: HubCursor) {
    cursors.append(cursor)
    guard reading == nil else { return }
    reading = connect { [unowned self] in
      isUnblocking = false
      for cursor in cursors { cursor.connectionLost() }
    }
    waiting = connect { [unowned self] in stopAwaiting() }
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
    (reading, waiting, isAwaiting, isUnblocking) = (nil, nil, false, false)
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
    guard loop.isReady, reading?.isReady == true else { return next }
    for cursor in cursors { if let due = cursor.nextRead { next = min(next, due) } }
    if let waitAgainAt { next = min(next, waitAgainAt) }
    return next
  }

  func turn(_ now: ContinuousClock.Instant) {
    // The scripts are loaded by the connection for commands.
    guard loop.isReady, let reading, reading.isReady else { return }
    for cursor in cursors where cursor.wantsRead(now) { read(cursor, on: reading, now) }
    wait(now)
  }

  // MARK: Reading

  private func read(_ cursor: HubCursor, on connection: RedisConnection, _ now: ContinuousClock.Instant) {
    let (asked, look) = cursor.write(to: &connection.requests, now: now)
    var caught = HubCursor.Catch()
    connection.expect { [unowned self] reply in
      guard case .reading = cursor.phase else { return }
      if let error = reply.error { return cursor.refused(BrokerError(redis: error, at: loop.url)) }
      caught = cursor.take(reply, asked: asked, look: look)
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
    guard canUnblock, !isUnblocking, let reading, let id = waiting?.clientID else { return }
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
