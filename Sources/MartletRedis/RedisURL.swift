import Foundation
import MartletCore

/// `redis://[user[:password]@]host[:port][/database]`, taken apart.
struct RedisURL: Sendable {
  let host: String
  let port: UInt16
  let user: String?
  let password: String?
  let database: Int

  init(_ text: String) throws(BrokerError) {
    func invalid(_ why: String) -> BrokerError {
      BrokerError(
        .configuration, "the Redis URL is wrong: \(why); the form is redis://[user[:password]@]host[:port][/database]",
        isRetriable: false)
    }
    if text.lowercased().hasPrefix("rediss:") { throw invalid("rediss:// (TLS) is not supported yet") }
    guard let parts = URLComponents(string: text), parts.scheme?.lowercased() == "redis" else {
      throw invalid("it cannot be read; characters such as @ and / in a password must be percent-encoded")
    }
    guard let host = parts.host, !host.isEmpty else { throw invalid("the host is missing") }
    if host.contains(",") { throw invalid("a list of hosts is not supported yet") }
    if parts.query != nil || parts.fragment != nil { throw invalid("nothing may follow the database") }
    if let port = parts.port, !(1...65_535).contains(port) { throw invalid("port \(port) is not between 1 and 65535") }
    let path = parts.path.drop { $0 == "/" }
    guard path.isEmpty || Int(path).map({ $0 >= 0 }) == true else {
      throw invalid("the database \"\(path)\" is not a number of 0 or more")
    }
    self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
    port = UInt16(parts.port ?? 6379)
    user = parts.user.flatMap { $0.isEmpty ? nil : $0 }
    password = parts.password
    database = Int(path) ?? 0
  }

  /// For logs and commit domains; holds no secret.
  var place: String { "\(host):\(port)/\(database)" }
}
