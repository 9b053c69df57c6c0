import Glibc
import MartletCore

/// One connection: requests out, replies in, in order. Lives on the broker's thread alone.
final class RedisConnection {
  typealias Handler = (Reply) -> Void

  enum Phase {
    case idle(until: ContinuousClock.Instant)
    case connecting(TCPSocket, until: ContinuousClock.Instant)
    case greeting(TCPSocket, until: ContinuousClock.Instant)
    case ready(TCPSocket)
    case closed
  }

  private(set) var phase = Phase.idle(until: .now)
  /// The server's number of this connection; what `CLIENT UNBLOCK` takes.
  private(set) var clientID: Int?
  var requests = RequestBuffer()
  private var reader = ReplyReader()
  private var waiting: [(handler: Handler?, allowance: Duration)] = []
  private var head = 0
  private var lastProgress = ContinuousClock.now
  private var backoff = Backoff()
  private let url: RedisURL
  private let addresses: HostAddresses
  /// How often connecting was tried since the connection last stood.
  private var attempts = 0
  private let name: String
  /// A server that owes a reply for so long is stuck: the connection is closed and made again.
  private let patience: Duration
  /// Told when the connection stands, and when it is lost (with the reason), requests without reply included.
  private let onReady: () -> Void
  private let onLost: (BrokerError) -> Void

  init(
    url: RedisURL, addresses: HostAddresses, name: String, patience: Duration, onReady: @escaping () -> Void,
    onLost: @escaping (BrokerError) -> Void
  ) {
    self.addresses = addresses
    self.patience = patience
    self.url = url
    self.name = name
    self.onReady = onReady
    self.onLost = onLost
  }

  var isReady: Bool { if case .ready = phase { true } else { false } }

  /// Notes who gets the reply of the command that was just written. `allowance`: how long the command may block.
  func expect(allowance: Duration = .zero, _ handler: @escaping Handler) {
    if head == waiting.count { lastProgress = .now }
    waiting.append((handler, allowance))
  }

  // MARK: The loop's side

  /// What to poll, if anything.
  var poll: pollfd? {
    switch phase {
    case .idle, .closed: nil
    case .connecting(let socket, _): pollfd(fd: socket.descriptor, events: Int16(POLLOUT), revents: 0)
    case .greeting(let socket, _), .ready(let socket):
      pollfd(
        fd: socket.descriptor, events: Int16(POLLIN) | (requests.isEmpty ? 0 : Int16(POLLOUT)), revents: 0)
    }
  }

  /// When the loop must look again at the latest.
  var deadline: ContinuousClock.Instant? {
    switch phase {
    case .idle(let until), .connecting(_, let until), .greeting(_, let until): until
    case .ready: head < waiting.count ? lastProgress + patience + waiting[head].allowance : nil
    case .closed: nil
    }
  }

  /// Does what the socket and the clock ask for.
  func turn(_ events: Int16, now: ContinuousClock.Instant, buffer: UnsafeMutableRawBufferPointer) {
    do throws(BrokerError) {
      switch phase {
      case .closed: return
      case .idle(let until): if now >= until { try connect(now) }
      case .connecting(let socket, let until):
        if events != 0 {
          if let why = socket.connectError {
            throw BrokerError(.unavailable, "\(url.place) cannot be reached: \(why)", isRetriable: true)
          }
          greet(socket, until: until)
        } else if now >= until {
          throw BrokerError(.unavailable, "\(url.place) did not answer the connection attempt", isRetriable: true)
        }
      case .greeting(let socket, _), .ready(let socket):
        if events & Int16(POLLIN | POLLERR | POLLHUP) != 0 { try receive(socket, buffer) }
        if let deadline, now >= deadline, head < waiting.count {
          throw BrokerError(.unavailable, "\(url.place) owes an answer and is silent", isRetriable: true)
        }
      }
    } catch {
      lose(error)
    }
  }

  /// Sends what was written since the last call.
  func flush() {
    do throws(BrokerError) { try send() } catch { lose(error) }
  }

  /// The same before the turn is over. What is broken is left to `flush`.
  func hurry() { do throws(BrokerError) { try send() } catch {} }

  private func send() throws(BrokerError) {
    guard !requests.isEmpty else { return }
    switch phase {
    case .greeting(let socket, _), .ready(let socket):
      while !requests.isEmpty {
        var result: Result<Int, BrokerError> = .success(0)
        requests.withPending { bytes in
          do throws(BrokerError) { result = .success(try socket.send(bytes)) } catch { result = .failure(error) }
        }
        let count = try result.get()
        if count == 0 { return }
        requests.sent(count)
        // A long request on its way is progress; that the system took a short one is not.
        if !requests.isEmpty { lastProgress = .now }
      }
    case .idle, .connecting, .closed: break
    }
  }

  func close() {
    lose(BrokerError(.closed, "the broker was closed", isRetriable: false))
    phase = .closed
  }

  // MARK: Steps

  private func connect(_ now: ContinuousClock.Instant) throws(BrokerError) {
    defer { attempts += 1 }
    let socket = try TCPSocket(try addresses.address(attempt: attempts), place: url.place)
    phase = .connecting(socket, until: now + .seconds(5))
  }

  private func greet(_ socket: TCPSocket, until: ContinuousClock.Instant) {
    phase = .greeting(socket, until: until)
    if let password = url.password {
      requests.begin(arguments: url.user == nil ? 2 : 3)
      requests.append("AUTH")
      if let user = url.user { requests.append(user) }
      requests.append(password)
      expect { [unowned self] in check($0) }
    }
    requests.begin(arguments: 3)
    requests.append("CLIENT")
    requests.append("SETNAME")
    requests.append(name)
    // A user who may not name the connection can still use it.
    expect { _ in }
    requests.begin(arguments: 2)
    requests.append("CLIENT")
    requests.append("ID")
    expect { [unowned self] in clientID = $0.rootInteger }
    if url.database != 0 {
      requests.begin(arguments: 2)
      requests.append("SELECT")
      requests.append(url.database)
      expect { [unowned self] in check($0) }
    }
    requests.begin(arguments: 1)
    requests.append("PING")
    expect { [unowned self] reply in
      check(reply)
      guard case .greeting(let socket, _) = phase, reply.error == nil else { return }
      phase = .ready(socket)
      backoff.reset()
      attempts = 0
      onReady()
    }
  }

  private func check(_ reply: Reply) {
    if let error = reply.error { refusal = BrokerError(redis: error, at: url) }
  }

  /// Set while a reply is handled; the connection is given up behind it.
  private var refusal: BrokerError?

  private static let mostReceives = 16

  private func receive(_ socket: TCPSocket, _ buffer: UnsafeMutableRawBufferPointer) throws(BrokerError) {
    // Not without end: answers may come as fast as they are taken in, and others are to get a word in.
    for _ in 0..<Self.mostReceives {
      guard let count = try socket.receive(into: buffer) else { return }
      lastProgress = .now
      try reader.feed(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      while try reader.next() {
        guard head < waiting.count else {
          throw BrokerError(.protocolViolation, "Redis answered what nobody asked", isRetriable: true)
        }
        let handler = waiting[head].handler
        // Not kept until the queue runs empty, which under load it never does: it holds the commit that was answered.
        waiting[head].handler = nil
        head += 1
        if head == waiting.count {
          waiting.removeAll(keepingCapacity: true)
          head = 0
        } else if head >= 1024, head * 2 >= waiting.count {
          waiting.removeFirst(head)
          head = 0
        }
        handler?(reader.reply)
        reader.reply.reset()
        if let refusal {
          self.refusal = nil
          throw refusal
        }
        if case .closed = phase { return }
      }
      if count < buffer.count { return }
    }
  }

  private func lose(_ error: BrokerError) {
    switch phase {
    case .connecting(let socket, _), .greeting(let socket, _), .ready(let socket): socket.close()
    case .idle, .closed: break
    }
    let slow = error.code == .authentication || error.code == .permission || error.code == .configuration
    phase = .idle(until: .now + (slow ? max(backoff.next(), .seconds(5)) : backoff.next()))
    requests.removeAll()
    waiting = []
    head = 0
    reader = ReplyReader()
    clientID = nil
    onLost(error)
  }
}
