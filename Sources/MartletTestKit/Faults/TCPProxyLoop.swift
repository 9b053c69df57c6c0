import Glibc
import Martlet

/// The proxy's thread: polls the listener, the commands and both ends of every connection.
struct TCPProxyLoop {
  /// One direction of a connection.
  private struct Stream {
    var pending: [UInt8] = []
    var isEnded = false
    var hasRoom: Bool { pending.count < 256 * 1024 && !isEnded }
  }

  private struct Link {
    let client: Int32
    let server: Int32
    var requests = Stream()
    var replies = Stream()
    /// Both ends are closed in this turn: gently where the last words were passed on, with a reset otherwise.
    var end: End?
  }

  private enum End { case orderly, reset }

  private let listener: Int32
  private let target: SocketAddress
  private let commands: Mailbox<TCPProxy.Command>
  private var mode = TCPProxy.Mode.forward
  private var links: [Link] = []
  private var isOpen = true

  init(listener: Int32, target: SocketAddress, commands: Mailbox<TCPProxy.Command>) {
    self.listener = listener
    self.target = target
    self.commands = commands
  }

  mutating func run() {
    while isOpen {
      var polled = [
        pollfd(fd: listener, events: Int16(POLLIN), revents: 0),
        pollfd(fd: commands.signal.descriptor, events: Int16(POLLIN), revents: 0),
      ]
      for link in links {
        // A negative descriptor is not polled: an end that hangs up must not keep a stalled proxy busy.
        let (client, server) = mode == .stall ? (-1, -1) : (link.client, link.server)
        polled.append(pollfd(fd: client, events: interest(in: link.requests, out: link.replies), revents: 0))
        polled.append(pollfd(fd: server, events: interest(in: link.replies, out: link.requests), revents: 0))
      }
      poll(&polled, nfds_t(polled.count), -1)
      for command in commands.takeAll() { obey(command) }
      guard isOpen else { break }
      if mode != .stall {
        for (index, link) in links.enumerated() {
          links[index] = moved(link, polled[2 + 2 * index].revents, polled[3 + 2 * index].revents)
        }
      }
      drop { $0.end != nil }
      if polled[0].revents != 0 { accept() }
    }
    drop { _ in true }
    close(listener)
  }

  private func interest(in input: Stream, out output: Stream) -> Int16 {
    Int16((input.hasRoom ? POLLIN : 0) | (output.pending.isEmpty ? 0 : POLLOUT))
  }

  private mutating func obey(_ command: TCPProxy.Command) {
    switch command {
    case .mode(let mode, let isObeyed):
      // What is here already was sent before.
      if self.mode != .stall { links = links.map { moved($0, Int16(POLLIN), Int16(POLLIN)) } }
      self.mode = mode
      defer { isObeyed.notify() }
      if mode == .refuse { drop { _ in true } }
    case .cut: drop { _ in true }
    case .close: isOpen = false
    }
  }

  private mutating func accept() {
    while let client = Descriptors.accept(listener) {
      if mode != .refuse, let server = target.connect() {
        links.append(Link(client: client, server: server))
      } else {
        Self.reset(client)
      }
    }
  }

  /// Moves what can be moved without waiting.
  private func moved(_ link: Link, _ client: Int16, _ server: Int16) -> Link {
    var link = link
    let readable = Int16(POLLIN | POLLHUP | POLLERR)
    if client & readable != 0 { read(link.client, to: &link.requests, isLost: mode == .dropRequests, &link.end) }
    if server & readable != 0 { read(link.server, to: &link.replies, isLost: mode == .dropReplies, &link.end) }
    write(&link.requests, to: link.server, &link.end)
    write(&link.replies, to: link.client, &link.end)
    return link
  }

  private func read(_ descriptor: Int32, to stream: inout Stream, isLost: Bool, _ end: inout End?) {
    guard stream.hasRoom else { return }
    let chunk = [UInt8](unsafeUninitializedCapacity: 64 * 1024) { buffer, count in
      let received = recv(descriptor, buffer.baseAddress, buffer.count, 0)
      count = max(received, 0)
      if received == 0 { stream.isEnded = true }
      if received < 0 && errno != EAGAIN && errno != EINTR { end = .reset }
    }
    if !isLost { stream.pending += chunk }
  }

  private func write(_ stream: inout Stream, to descriptor: Int32, _ end: inout End?) {
    if !stream.pending.isEmpty {
      let sent = stream.pending.withUnsafeBytes {
        send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if sent > 0 { stream.pending.removeFirst(sent) }
      if sent < 0 && errno != EAGAIN && errno != EINTR && errno != ENOTCONN { end = .reset }
    }
    // Half-open connections are of no use to either side: when one end closes, what it said last is passed on, then
    // the whole connection ends.
    if stream.isEnded && stream.pending.isEmpty && end == nil { end = .orderly }
  }

  private mutating func drop(where isChosen: (Link) -> Bool) {
    for link in links where isChosen(link) {
      for descriptor in [link.client, link.server] {
        if link.end == .orderly { close(descriptor) } else { Self.reset(descriptor) }
      }
    }
    links.removeAll(where: isChosen)
  }

  /// Closes with a reset, as a cut does, so that nothing that waits in the kernel is delivered.
  private static func reset(_ descriptor: Int32) {
    var linger = linger(l_onoff: 1, l_linger: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    close(descriptor)
  }
}
