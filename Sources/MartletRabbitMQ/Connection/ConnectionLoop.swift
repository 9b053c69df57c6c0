import CRabbitMQ
import Glibc
import MartletCore

/// How a connection stands. Not inside the generic class, where each copy would look up what it is a copy of.
private enum Link {
  case down(retryAt: ContinuousClock.Instant)
  case connecting(Connector)
  case up(Wire)
  case closing(Wire)
}

/// What ended a sleep.
private struct WakeUp {
  /// The socket has something, or room.
  var isReady = false
  /// It has something to be read, and nothing to be written.
  var hasInput = false
  /// The mailbox has.
  var isSignalled = true
}

/// The thread of one connection: connects, reads, lets its role work, writes, sleeps, and connects again.
///
/// Here and in what lives on this thread the checks for exclusive access are off where each message would pay for dozens
/// of them: no other thread has access, and no access to a property lasts while another one to it begins.
final class ConnectionLoop<Role: ConnectionRole> {
  /// A read that brings fewer methods may bring what somebody waits for.
  private static var manyMethods: Int { 4 }
  /// A read that brings more bytes has emptied a buffer that the broker waits for.
  private static var manyBytes: Int { 64 * 1024 }

  private let name: String
  private let url: ConnectionURL
  private let identity: ClientIdentity
  private let mailbox: Mailbox<LoopCommand<Role.Command>>
  private let health: ConnectionHealth
  private let role: Role
  @exclusivity(unchecked) private var link: Link
  private var backoff = Backoff()
  private var wasEverUp = false
  private var lastError: BrokerError?
  private var openWaiters: [(deadline: ContinuousClock.Instant, answer: @Sendable (BrokerError?) -> Void)] = []
  private var closing: (deadline: ContinuousClock.Instant, answers: [@Sendable () -> Void])?
  /// The last time that the socket was read,
  @exclusivity(unchecked) private var readAt = ContinuousClock.now
  /// and what that brought.
  @exclusivity(unchecked) private var lastRead = (methods: 0, bytes: 0)

  init(
    name: String, url: ConnectionURL, identity: ClientIdentity, mailbox: Mailbox<LoopCommand<Role.Command>>,
    health: ConnectionHealth, role: Role
  ) {
    (self.name, self.url, self.identity, self.mailbox, self.health) = (name, url, identity, mailbox, health)
    self.role = role
    link = .down(retryAt: .now)
  }

  func run() {
    var now = ContinuousClock.now
    var wakeUp = WakeUp()
    while true {
      for command in mailbox.takeAll(isSignalled: wakeUp.isSignalled) { handle(command, now: now) }
      if isOver(now: now) { break }
      let wakeTime = turn(now: now)
      wakeUp = sleep(until: wakeTime)
      if wakeUp.hasInput, gather() { wakeUp = WakeUp() }
      now = .now
      advance(isReady: wakeUp.isReady, now: now)
    }
    end()
  }

  /// Lets more come before it is read, where much is in hand: the broker sends what it has in small pieces, and each
  /// costs a turn. Answers whether a command came meanwhile: that does not wait.
  private func gather() -> Bool {
    guard lastRead.methods >= Self.manyMethods, lastRead.bytes < Self.manyBytes, case .up = link else { return false }
    let milliseconds = Int32(((readAt + role.pauseOfReading - .now) / .milliseconds(1)).rounded())
    guard milliseconds > 0 else { return false }
    var signal = pollfd(fd: mailbox.signal.descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&signal, 1, milliseconds) > 0
  }

  /// Takes what came: bytes, or the next step of a connection that is being made.
  private func advance(isReady: Bool, now: ContinuousClock.Instant) {
    do throws(BrokerError) {
      switch link {
      case .down(let retryAt):
        guard now >= retryAt, closing == nil || !role.isDrained else { return }
        link = .connecting(try Connector(url: url, identity: identity, now: now))
      case .connecting(let connector):
        guard let wire = try connector.advance(isReady: isReady, now: now) else { return }
        opened(wire, now: now)
        try receive(wire, now: now)
      case .up(let wire):
        // Several reads a turn, so that one write answers them all; not without end, so that others get a word in.
        if isReady { (readAt, lastRead) = (now, (0, 0)) }
        var reads = 4
        while isReady, reads > 0, try wire.receive(now: now) {
          reads -= 1
          try receive(wire, now: now)
        }
        try receive(wire, now: now)
      case .closing(let wire):
        if isReady { _ = try wire.receive(now: now) }
        while let frame = try wire.nextFrame() {
          if frame.methodNumber == amqp_connection_close_ok_t.number { lost(.closedBroker, now: now) }
        }
      }
    } catch {
      lost(error, now: now)
    }
  }

  private func receive(_ wire: Wire, now: ContinuousClock.Instant) throws(BrokerError) {
    while let frame = try wire.nextFrame() {
      if frame.channel == 0, let close = wire.pool.decode(amqp_connection_close_t.self, from: frame) {
        let error = BrokerError.connectionClosed(code: close.reply_code, text: close.reply_text.text, url: url)
        wire.output.method(amqp_connection_close_ok_t(), channel: 0)
        try wire.flush(now: now)
        throw error
      }
      if frame.type == Frame.method { lastRead.methods += 1 }
      lastRead.bytes += frame.payload.count
      if frame.type != Frame.heartbeat { try role.receive(frame, wire: wire, now: now) }
    }
  }

  /// Lets the role append, and writes. Answers when to go on at the latest.
  private func turn(now: ContinuousClock.Instant) -> ContinuousClock.Instant {
    var wakeTime = openWaiters.reduce(now + .seconds(60)) { min($0, $1.deadline) }
    if let closing { wakeTime = min(wakeTime, closing.deadline) }
    expireWaiters(now: now)
    do throws(BrokerError) {
      switch link {
      case .down(let retryAt):
        wakeTime = min(wakeTime, retryAt, role.finishTurn(wire: nil, now: now) ?? wakeTime)
      case .connecting(let connector):
        wakeTime = min(wakeTime, connector.wakeTime, role.finishTurn(wire: nil, now: now) ?? wakeTime)
      case .up(let wire):
        let next = role.finishTurn(wire: wire, now: now)
        wakeTime = min(wakeTime, try wire.keepAlive(now: now), next ?? wakeTime)
        try wire.flush(now: now)
        role.wrote(wire)
      case .closing(let wire):
        try wire.flush(now: now)
      }
    } catch {
      lost(error, now: now)
      return now
    }
    return wakeTime
  }

  /// Sleeps until the socket or the mailbox has something.
  private func sleep(until wakeTime: ContinuousClock.Instant) -> WakeUp {
    var interests = [pollfd(fd: mailbox.signal.descriptor, events: Int16(POLLIN), revents: 0)]
    switch link {
    case .down: break
    case .connecting(let connector):
      interests.append(pollfd(fd: connector.interest.descriptor, events: connector.interest.events, revents: 0))
    case .up(let wire), .closing(let wire):
      interests.append(pollfd(fd: wire.descriptor, events: wire.events, revents: 0))
    }
    let milliseconds = (wakeTime - .now) / .milliseconds(1)
    _ = poll(&interests, nfds_t(interests.count), Int32(max(0, min(milliseconds.rounded(.up), 60_000))))
    let events = interests.count > 1 ? interests[1].revents : 0
    return WakeUp(
      isReady: events != 0, hasInput: events == Int16(POLLIN), isSignalled: interests[0].revents != 0)
  }

  private func handle(_ command: LoopCommand<Role.Command>, now: ContinuousClock.Instant) {
    switch command {
    case .role(let command):
      var wire: Wire?
      if case .up(let open) = link { wire = open }
      role.handle(command, wire: wire, now: now)
    case .whenOpen(let deadline, let answer):
      if case .up = link { return answer(nil) }
      if let lastError, !lastError.isRetriable { return answer(lastError) }
      openWaiters.append((deadline, answer))
    case .close(let deadline, let answer):
      if closing == nil {
        closing = (deadline, [answer])
        role.close(deadline: deadline, now: now)
      } else {
        closing?.answers.append(answer)
      }
    }
  }

  private func opened(_ wire: Wire, now: ContinuousClock.Instant) {
    link = .up(wire)
    wasEverUp = true
    backoff.reset()
    lastError = nil
    health.opened(name)
    for waiter in openWaiters { waiter.answer(nil) }
    openWaiters = []
    role.opened(wire, now: now)
  }

  private func lost(_ error: BrokerError, now: ContinuousClock.Instant) {
    if case .closing = link {
      link = .down(retryAt: now + .seconds(3600))
      return
    }
    // What only people can mend is asked for slowly: a refused password must not lock the account.
    let pause = error.isRetriable ? backoff.next() : .seconds(5)
    link = .down(retryAt: now + pause)
    lastError = error
    if closing == nil { health.lost(name, error) }
    role.lost(error, now: now)
    if !error.isRetriable {
      for waiter in openWaiters { waiter.answer(error) }
      openWaiters = []
    }
  }

  private func expireWaiters(now: ContinuousClock.Instant) {
    guard openWaiters.contains(where: { $0.deadline <= now }) else { return }
    let error = lastError ?? BrokerError(.unavailable, "RabbitMQ at \(url) has not answered yet", isRetriable: true)
    for waiter in openWaiters where waiter.deadline <= now { waiter.answer(error) }
    openWaiters.removeAll { $0.deadline <= now }
  }

  /// While closing: says goodbye when the role is done, and ends when the broker has answered or the deadline passed.
  private func isOver(now: ContinuousClock.Instant) -> Bool {
    guard let closing else { return false }
    if now >= closing.deadline { return true }
    switch link {
    case .up(let wire):
      guard role.isDrained, wire.output.count == 0 else { return false }
      let text = wire.output.scratch.bytes("closed by the app")
      wire.output.method(
        amqp_connection_close_t(reply_code: 200, reply_text: text, class_id: 0, method_id: 0), channel: 0)
      wire.output.scratch.clear()
      link = .closing(wire)
      return false
    case .closing: return false
    // A broker that was never there is not waited for.
    case .down, .connecting: return role.isDrained || !wasEverUp
    }
  }

  private func end() {
    role.abandon()
    for command in mailbox.close() { handle(command, now: .now) }
    role.abandon()
    for waiter in openWaiters { waiter.answer(.closedBroker) }
    for answer in closing?.answers ?? [] { answer() }
  }
}
