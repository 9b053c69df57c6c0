import Foundation
import Glibc
import MartletCore
import MartletRabbitMQ
import Testing

/// Whoever answers at the port may not be RabbitMQ.
@Suite struct HostileServerTests {
  private static let start: [UInt8] = {
    // connection.start with empty properties, "PLAIN" and "en_US".
    let payload: [UInt8] =
      [0, 10, 0, 10, 0, 9, 0, 0, 0, 0] + [0, 0, 0, 5] + Array("PLAIN".utf8) + [0, 0, 0, 5] + Array("en_US".utf8)
    return [1, 0, 0, 0, 0, 0, UInt8(payload.count)] + payload + [0xCE]
  }()

  @Test(arguments: [
    Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8),
    [0x41, 0x4d, 0x51, 0x50, 0, 1, 0, 0],
    [1, 0, 0, 0xff, 0xff, 0xff, 0xff],
    [1, 0, 0, 0, 0, 0, 2, 0, 10, 0],
    [1, 0, 0, 0, 0, 0, 4, 0, 10, 0, 10, 0xCE],
    [1, 0, 0, 0, 0, 0, 0, 0xCE],
    [9, 0, 0, 0, 0, 0, 0, 0xCE],
    start + [1, 0, 0, 0, 0, 0, 12, 0, 10, 0, 30, 7, 0xff, 0, 0, 0, 100, 0, 0, 0xCE],
    start + start,
    [],
  ])
  func isRefusedWithoutHarm(answer: [UInt8]) async throws {
    let server = try ScriptedServer(answer)
    let broker = try RabbitMQBroker(
      url: "amqp://127.0.0.1:\(server.port)", environment: BrokerEnvironment(app: "tests"))
    let error = await #expect(throws: BrokerError.self) { try await broker.start(deadline: .now + .seconds(1)) }
    #expect(error?.isRetriable == true)
    #expect([.protocolViolation, .unavailable].contains(error?.code))
    await broker.close(deadline: .now + .seconds(1))
    server.stop()
  }
}

/// Says the same to everybody who connects, and then ends the connection.
final class ScriptedServer: Sendable {
  let port: UInt16
  private let descriptor: Int32

  init(_ answer: [UInt8]) throws {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) | listen(descriptor, 8) | getsockname(descriptor, $0, &size)
      }
    }
    guard status == 0 else { throw TestFailure("no port") }
    self.descriptor = descriptor
    port = UInt16(bigEndian: address.sin_port)
    NamedThread.start("hostile") {
      while true {
        let peer = accept(descriptor, nil, nil)
        guard peer >= 0 else { return }
        var bytes = [UInt8](repeating: 0, count: 4096)
        _ = recv(peer, &bytes, bytes.count, 0)
        _ = answer.withUnsafeBytes { send(peer, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        // Half a second to answer, so that its last word is not lost in a reset.
        var interest = pollfd(fd: peer, events: Int16(POLLIN), revents: 0)
        if poll(&interest, 1, 200) > 0 { _ = recv(peer, &bytes, bytes.count, 0) }
        close(peer)
      }
    }.detach()
  }

  func stop() { shutdown(descriptor, Int32(SHUT_RDWR)) }
}
