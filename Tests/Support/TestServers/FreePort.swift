import Foundation
import MartletCore
import MartletTestKit

/// Ports that this process gave to servers: one that is being restarted does not listen, and needs its port all the same.
private let given = Locked<Set<UInt16>>([])

/// A loopback port that nobody listens on now. Below those that the system gives to outgoing connections, and others than
/// those that `server.sh` takes: a server that is restarted must find its port free.
func freePort() throws -> UInt16 {
  for _ in 0..<1000 {
    let port = UInt16.random(in: 20_000..<32_000)
    guard given.withLock({ $0.insert(port).inserted }) else { continue }
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    address.sin_port = port.bigEndian
    let status = withUnsafePointer(to: address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    if status == 0 { return port }
  }
  throw ConformanceFailure("no port between 20000 and 32000 is free")
}
