import Foundation

/// Where the work is done: the broker's address in parts, as the baseline needs them.
struct Target {
  enum System: String {
    case embedded, redis, rabbitmq
  }

  let system: System
  /// As Martlet gets it.
  var url: String
  var host = ""
  var port = 0
  var user: String?
  var password: String?
  /// The virtual host, or the file.
  var space = ""

  init(_ url: String) throws {
    self.url = url
    if url.hasPrefix("embedded:") {
      system = .embedded
      space = String(url.dropFirst("embedded:".count))
      guard !space.isEmpty else { throw UsageError("the broker must have a file to be measured: embedded:PATH") }
      return
    }
    guard let parts = URLComponents(string: url), let scheme = parts.scheme, let host = parts.host, !host.isEmpty else {
      throw UsageError("the broker URL has no scheme or no host")
    }
    switch scheme {
    case "redis": (system, port) = (.redis, 6379)
    case "amqp": (system, port) = (.rabbitmq, 5672)
    case "rediss", "amqps": throw UsageError("the baseline speaks without TLS only: use redis:// or amqp://")
    default: throw UsageError("the scheme \"\(scheme)\" of the broker URL is not known")
    }
    self.host = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
    port = parts.port ?? port
    user = parts.user.flatMap { $0.isEmpty ? nil : $0 }
    password = parts.password
    if system == .redis, !["", "/", "/0"].contains(parts.path) {
      throw UsageError("the baseline uses database 0 only; the URL names \(parts.path)")
    }
    let vhost = parts.path.dropFirst()
    space = vhost.isEmpty ? "/" : String(vhost)
  }

  /// Each side of the embedded benchmark has a file of its own beside the given path, removed at the end.
  func file(of side: Side) -> String { "\(space).bench-\(side == .baseline ? "baseline" : "martlet")" }

  /// The same target as one side uses it.
  func target(of side: Side) -> Target {
    guard system == .embedded else { return self }
    var target = self
    target.space = file(of: side)
    target.url = "embedded:\(target.space)"
    return target
  }
}
