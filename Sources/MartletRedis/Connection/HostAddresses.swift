import Glibc
import MartletCore

/// The addresses of a host name. Asking for them may take seconds, so they are kept until all have failed.
final class HostAddresses {
  struct Address {
    let family: Int32
    let bytes: [UInt8]
  }

  private let host: String
  private let port: UInt16
  private var known: [Address] = []

  init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// The address to try in the given attempt of a connection, counted from 0 since it last stood.
  func address(attempt: Int) throws(BrokerError) -> Address {
    if known.isEmpty || (attempt > 0 && attempt % known.count == 0) { known = try resolve() }
    return known[attempt % known.count]
  }

  private func resolve() throws(BrokerError) -> [Address] {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_ADDRCONFIG
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, String(port), &hints, &list)
    defer { if let list { freeaddrinfo(list) } }
    var found: [Address] = []
    var next = list
    while let entry = next?.pointee {
      let bytes = UnsafeRawBufferPointer(start: entry.ai_addr, count: Int(entry.ai_addrlen))
      found.append(Address(family: entry.ai_family, bytes: Array(bytes)))
      next = entry.ai_next
    }
    guard status == 0, !found.isEmpty else {
      throw BrokerError(
        .unavailable, "the host \(host) cannot be found: \(String(cString: gai_strerror(status)))", isRetriable: true)
    }
    return found
  }
}
