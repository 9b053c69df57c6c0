import Glibc
import MartletCore

/// A non-blocking TCP connection. TLS will be another type with these four calls.
struct TCPSocket {
  let descriptor: Int32
  /// A connection that the server closed must not end the process.
  private static let noSignal = Int32(MSG_NOSIGNAL)

  /// Begins to connect. Writable when the connection stands, or has failed: then `connectError` tells.
  init(_ address: HostAddresses.Address, place: String) throws(BrokerError) {
    let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    let descriptor = socket(address.family, type, 0)
    guard descriptor >= 0 else { throw Self.failure("no socket can be opened") }
    self.descriptor = descriptor
    var on: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, 4)
    setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, 4)
    let status = address.bytes.withUnsafeBytes { bytes in
      bytes.baseAddress.map {
        connect(descriptor, $0.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
      } ?? -1
    }
    if status != 0, errno != EINPROGRESS {
      let failure = Self.failure("\(place) cannot be reached")
      close()
      throw failure
    }
  }

  /// Why a connection that became writable does not stand; nil when it does.
  var connectError: String? {
    var code: Int32 = 0
    var size = socklen_t(4)
    getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
    return code == 0 ? nil : String(cString: strerror(code))
  }

  /// Bytes taken; zero when the socket is full for now.
  func send(_ bytes: UnsafeRawBufferPointer) throws(BrokerError) -> Int {
    let count = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Self.noSignal)
    if count >= 0 { return count }
    if errno == EAGAIN || errno == EINTR { return 0 }
    throw Self.failure("the connection broke while sending")
  }

  /// Bytes read; nil when there are none for now.
  func receive(into buffer: UnsafeMutableRawBufferPointer) throws(BrokerError) -> Int? {
    let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
    if count > 0 { return count }
    if count == 0 { throw BrokerError(.unavailable, "Redis closed the connection", isRetriable: true) }
    if errno == EAGAIN || errno == EINTR { return nil }
    throw Self.failure("the connection broke")
  }

  func close() { _ = Glibc.close(descriptor) }

  private static func failure(_ what: String) -> BrokerError {
    BrokerError(.unavailable, "\(what): \(String(cString: strerror(errno)))", isRetriable: true)
  }
}
