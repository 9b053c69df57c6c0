import Glibc
import MartletCore

/// A TCP socket that never blocks. Owned by one thread, which closes it.
///
/// The seam for TLS: a second kind of transport with the same four operations.
struct TCPSocket {
  let descriptor: Int32

  /// What a read or a write came to.
  enum Outcome {
    case moved(Int)
    case wouldBlock
    case ended
    case failed(Int32)
  }

  /// No socket: what is left after `close`.
  static let none = TCPSocket(descriptor: -1)

  private init(descriptor: Int32) { self.descriptor = descriptor }

  /// Begins to connect; the socket is writable when that has an outcome.
  init(connectingTo address: SocketAddress, url: ConnectionURL) throws(BrokerError) {
    descriptor = Glibc.socket(
      address.family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw .socket("socket", errno, url: url) }
    var on: Int32 = 1
    let size = socklen_t(MemoryLayout<Int32>.size)
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, size)
    setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, size)
    let status = address.withSockaddr { Glibc.connect(descriptor, $0, $1) }
    if status != 0, errno != EINPROGRESS {
      let number = errno
      Glibc.close(descriptor)
      throw .socket("connect", number, url: url)
    }
  }

  /// What became of the attempt to connect; 0 is connected.
  var connectError: Int32 {
    var number: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &number, &size) == 0 else { return errno }
    return number
  }

  func read(into buffer: UnsafeMutableRawBufferPointer) -> Outcome {
    let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
    if count > 0 { return .moved(count) }
    if count == 0 { return .ended }
    return errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed(errno)
  }

  func write(_ bytes: UnsafeRawBufferPointer) -> Outcome {
    let count = send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    if count >= 0 { return .moved(count) }
    return errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed(errno)
  }

  func close() { Glibc.close(descriptor) }
}

/// One address of a host.
struct SocketAddress {
  let family: Int32
  private let storage: sockaddr_storage
  private let length: socklen_t

  /// The addresses of a host, in the system's order. Blocks while it asks; a literal address asks nobody.
  static func resolve(_ url: ConnectionURL) throws(BrokerError) -> [SocketAddress] {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(url.host, String(url.port), &hints, &list)
    guard status == 0 else {
      throw BrokerError(
        .unavailable, "the host name '\(url.host)' cannot be resolved: \(String(cString: gai_strerror(status)))",
        isRetriable: true)
    }
    defer { freeaddrinfo(list) }
    var addresses: [SocketAddress] = []
    var next = list
    while let entry = next?.pointee {
      if let address = entry.ai_addr, Int(entry.ai_addrlen) <= MemoryLayout<sockaddr_storage>.size {
        addresses.append(SocketAddress(address, length: entry.ai_addrlen, family: entry.ai_family))
      }
      next = entry.ai_next
    }
    return addresses
  }

  private init(_ address: UnsafePointer<sockaddr>, length: socklen_t, family: Int32) {
    var storage = sockaddr_storage()
    withUnsafeMutableBytes(of: &storage) {
      $0.copyMemory(from: UnsafeRawBufferPointer(start: address, count: Int(length)))
    }
    (self.storage, self.length, self.family) = (storage, length, family)
  }

  func withSockaddr(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    withUnsafePointer(to: storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
    }
  }
}
