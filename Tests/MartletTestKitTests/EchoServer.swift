import Glibc
import Martlet

@testable import MartletTestKit

/// Sends back what it hears, and remembers it.
final class EchoServer: Sendable {
  let port: UInt16
  private let heard = Observed("")

  init() throws {
    let listener = try SocketAddress(host: "127.0.0.1", port: 0).listen()
    port = SocketAddress.port(of: listener)
    let heard = heard
    NamedThread.start("echo") {
      var polled = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
      var buffer = [UInt8](repeating: 0, count: 1 << 16)
      // It lives as long as the test process.
      while true {
        poll(&polled, nfds_t(polled.count), -1)
        for client in polled.dropFirst() where client.revents != 0 {
          let count = recv(client.fd, &buffer, buffer.count, 0)
          if count > 0 {
            let text = String(decoding: buffer[..<count], as: UTF8.self)
            TestClient.sendAll(buffer[..<count], to: client.fd)
            heard.update { $0 += text }
          } else {
            close(client.fd)
            polled.removeAll { $0.fd == client.fd }
          }
        }
        if polled[0].revents != 0, let client = Descriptors.accept(listener) {
          polled.append(pollfd(fd: client, events: Int16(POLLIN), revents: 0))
        }
      }
    }.detach()
  }

  /// Whether it has heard exactly this, soon.
  func hears(_ text: String) async -> Bool {
    await heard.wait(until: .now + .seconds(10)) { $0 == text ? true : nil } ?? false
  }
}

/// A blocking client with a time limit.
final class TestClient: Sendable {
  private let descriptor: Int32

  init(port: UInt16) throws {
    guard let descriptor = try SocketAddress(host: "127.0.0.1", port: port).connect() else {
      throw ConformanceFailure("no connection")
    }
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  static func sendAll(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) {
    var rest = bytes
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if sent > 0 {
        rest = rest.dropFirst(sent)
      } else if errno == EAGAIN || errno == ENOTCONN {
        var polled = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        poll(&polled, 1, 10)
      } else {
        return
      }
    }
  }

  func say(_ text: String) { Self.sendAll(Array(text.utf8)[...], to: descriptor) }

  /// Sends while it reads, since both sides' buffers are smaller than what may be sent.
  func ask(_ text: String, replyLength: Int? = nil) -> String? {
    let sender = NamedThread.start("sender") { self.say(text) }
    defer { sender.join() }
    return hears(replyLength ?? text.utf8.count)
  }

  /// So many bytes; nil where the connection ends before.
  func hears(_ count: Int) -> String? {
    var heard: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while heard.count < count {
      var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&polled, 1, 10_000) == 1 else { return nil }
      let received = recv(descriptor, &buffer, buffer.count, 0)
      if received > 0 { heard += buffer[..<received] }
      if received == 0 || (received < 0 && errno != EAGAIN) { return nil }
    }
    return String(decoding: heard, as: UTF8.self)
  }

  func hearsNothing(for milliseconds: Int32) -> Bool {
    var polled = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&polled, 1, milliseconds) == 0
  }
}
