import Glibc
import MartletCore

/// Brings one connection up: resolves, connects, logs in. Blocks nowhere but in the resolver.
final class Connector {
  private enum Stage {
    case connecting(TCPSocket)
    case loggingIn(Wire, Login)
  }

  private let url: ConnectionURL
  private let identity: ClientIdentity
  private var addresses: ArraySlice<SocketAddress>
  private var stage: Stage
  private var deadline: ContinuousClock.Instant
  /// One address is given up, and a login ended, after this.
  private static let patience = Duration.seconds(10)

  /// - Throws: `unavailable` where no address of the host can even be tried.
  init(url: ConnectionURL, identity: ClientIdentity, now: ContinuousClock.Instant) throws(BrokerError) {
    self.url = url
    self.identity = identity
    addresses = try SocketAddress.resolve(url)[...]
    stage = .connecting(try Self.firstSocket(&addresses, url: url))
    deadline = now + Self.patience
  }

  deinit {
    if case .connecting(let socket) = stage { socket.close() }
  }

  private static func firstSocket(_ addresses: inout ArraySlice<SocketAddress>, url: ConnectionURL)
    throws(BrokerError) -> TCPSocket
  {
    var last = BrokerError(.unavailable, "the host '\(url.host)' has no address", isRetriable: true)
    while let address = addresses.popFirst() {
      do throws(BrokerError) { return try TCPSocket(connectingTo: address, url: url) } catch { last = error }
    }
    throw last
  }

  /// What to poll for.
  var interest: (descriptor: Int32, events: Int16) {
    switch stage {
    case .connecting(let socket): (socket.descriptor, Int16(POLLOUT))
    case .loggingIn(let wire, _): (wire.descriptor, wire.events)
    }
  }

  /// When to call `advance` at the latest.
  var wakeTime: ContinuousClock.Instant { deadline }

  /// Goes on after poll. Answers the connection when it is open.
  func advance(isReady: Bool, now: ContinuousClock.Instant) throws(BrokerError) -> Wire? {
    switch stage {
    case .connecting(let socket):
      guard isReady || now >= deadline else { return nil }
      let number = isReady ? socket.connectError : ETIMEDOUT
      guard number == 0 else {
        socket.close()
        // Without the new stage, deinit would close the descriptor a second time.
        stage = .connecting(TCPSocket.none)
        guard !addresses.isEmpty else { throw .socket("connect", number, url: url) }
        stage = .connecting(try Self.firstSocket(&addresses, url: url))
        deadline = now + Self.patience
        return nil
      }
      let wire = Wire(socket: socket, url: url, now: now)
      let login = Login(url: url, identity: identity)
      login.begin(wire)
      stage = .loggingIn(wire, login)
      deadline = now + Self.patience
      try wire.flush(now: now)
      return nil
    case .loggingIn(let wire, var login):
      guard now < deadline else {
        throw BrokerError(
          .unavailable, "RabbitMQ at \(url) accepted the connection but did not finish the login in \(Self.patience)",
          isRetriable: true)
      }
      guard isReady else { return nil }
      return try logIn(wire, &login, now: now)
    }
  }

  private func logIn(_ wire: Wire, _ login: inout Login, now: ContinuousClock.Instant) throws(BrokerError) -> Wire? {
    _ = try wire.receive(now: now)
    do throws(BrokerError) {
      // One frame at a time: nothing comes behind `open-ok` that the owner of the connection should not see.
      while let frame = try wire.nextFrame() {
        if try login.handle(frame, wire) {
          try wire.flush(now: now)
          return wire
        }
      }
    } catch {
      try? wire.flush(now: now)
      throw error
    }
    stage = .loggingIn(wire, login)
    try wire.flush(now: now)
    return nil
  }
}
