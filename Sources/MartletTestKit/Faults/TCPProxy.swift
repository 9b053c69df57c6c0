import Glibc
import Martlet

/// A TCP proxy that misbehaves on command: it stands between a broker and its client and cuts, stalls, or loses one
/// direction. It has a thread of its own and needs no rights.
public final class TCPProxy: Sendable {
  /// What happens to bytes.
  public enum Mode: Sendable, Hashable {
    /// They pass.
    case forward
    /// Nothing passes in either direction, connections stay open: a black hole.
    case stall
    /// Requests reach the broker, its replies are lost for ever. `cut` the connections afterwards.
    case dropReplies
    /// Requests are lost for ever, the broker's words pass. `cut` the connections afterwards.
    case dropRequests
    /// As after a crash: open connections are reset, new ones too.
    case refuse
  }

  enum Command: Sendable {
    case mode(Mode, isObeyed: WakeSignal)
    case cut
    case close
  }

  /// The loopback port that clients connect to.
  public let port: UInt16
  private let commands: Mailbox<Command>
  private let thread: NamedThread

  /// Starts to listen on a free loopback port.
  /// - Parameters:
  ///   - host: the broker's IPv4 address.
  ///   - target: the broker's port.
  /// - Throws: a `ConformanceFailure` where the system gives no socket, or the host is not an IPv4 address.
  public init(to host: String, port target: UInt16) throws {
    let address = try SocketAddress(host: host, port: target)
    let listener = try SocketAddress(host: "127.0.0.1", port: 0).listen()
    port = SocketAddress.port(of: listener)
    commands = Mailbox()
    let commands = commands
    thread = NamedThread.start("tcp-proxy") {
      var loop = TCPProxyLoop(listener: listener, target: address, commands: commands)
      loop.run()
    }
  }

  /// Changes what happens to bytes; what is sent after the return is treated so.
  public func set(_ mode: Mode) {
    let isObeyed = WakeSignal()
    guard commands.send(.mode(mode, isObeyed: isObeyed)) else { return }
    var poll = pollfd(fd: isObeyed.descriptor, events: Int16(POLLIN), revents: 0)
    _ = Glibc.poll(&poll, 1, 5000)
  }

  /// Resets every open connection; new ones are taken as the mode says.
  public func cut() { commands.send(.cut) }

  /// Ends the proxy with all its connections. Call it once.
  public func close() {
    commands.send(.close)
    thread.join()
  }
}
