import Glibc

/// An IPv4 address and port, as `connect` and `bind` want it.
struct SocketAddress: Sendable {
  private let value: sockaddr_in

  init(host: String, port: UInt16) throws {
    var value = sockaddr_in()
    value.sin_family = sa_family_t(AF_INET)
    value.sin_port = port.bigEndian
    guard inet_pton(AF_INET, host == "localhost" ? "127.0.0.1" : host, &value.sin_addr) == 1 else {
      throw ConformanceFailure("the proxy wants an IPv4 address; \"\(host)\" is none")
    }
    self.value = value
  }

  private func withPointer<R>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
    withUnsafePointer(to: value) { pointer in
      let size = MemoryLayout<sockaddr_in>.size
      return pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(size)) }
    }
  }

  private static func socket() -> Int32 {
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    return Glibc.socket(AF_INET, type, 0)
  }

  /// A non-blocking listener; its port is free where ours is zero.
  func listen() throws -> Int32 {
    let descriptor = Self.socket()
    guard descriptor >= 0, withPointer({ bind(descriptor, $0, $1) }) == 0, Glibc.listen(descriptor, 128) == 0 else {
      throw ConformanceFailure("the system gives no listening socket: \(String(cString: strerror(errno)))")
    }
    return descriptor
  }

  /// A non-blocking connection under way; nil where the system refuses at once.
  func connect() -> Int32? {
    let descriptor = Self.socket()
    guard descriptor >= 0 else { return nil }
    if withPointer({ Glibc.connect(descriptor, $0, $1) }) == 0 || errno == EINPROGRESS { return descriptor }
    Glibc.close(descriptor)
    return nil
  }

  /// The port that a listener was given.
  static func port(of descriptor: Int32) -> UInt16 {
    var address = sockaddr_in()
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    _ = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
    }
    return UInt16(bigEndian: address.sin_port)
  }
}
