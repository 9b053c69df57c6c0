import Foundation
import MartletEmbedded
import MartletRabbitMQ
import MartletRedis

/// Where a broker is, as the configuration says it: `embedded:PATH`, `embedded:` (in memory, for this process alone),
/// `redis://[user:password@]host[:port][/database]` or `amqp://[user:password@]host[:port][/vhost]`.
public struct BrokerURL: Sendable, Hashable, CustomStringConvertible {
  /// Which broker it names.
  public enum System: Sendable, Hashable, CaseIterable {
    /// A SQLite file of this machine, or the memory of this process.
    case embedded
    /// Redis 7 or later.
    case redis
    /// RabbitMQ 3.10 or later.
    case rabbitMQ
  }

  /// Which broker it names.
  public let system: System
  /// The URL as it was given, secrets included: for the broker alone.
  let text: String

  /// Reads a URL. Only what every broker needs is checked here; the broker checks the rest when it is made.
  /// - Throws: `configuration`, with the value (its password replaced), what is wrong with it and the valid forms.
  public init(_ text: String) throws(BrokerError) {
    guard let colon = text.firstIndex(of: ":") else { throw Self.invalid(text, "it has no scheme") }
    let scheme = text[..<colon].lowercased()
    let rest = text[text.index(after: colon)...]
    switch scheme {
    case "embedded":
      if rest.utf8.contains(0) { throw Self.invalid(text, "a path cannot hold a NUL byte") }
      system = .embedded
    case "redis", "rediss": system = .redis
    case "amqp", "amqps": system = .rabbitMQ
    case _ where scheme.contains("/"): throw Self.invalid(text, "\"://\" must follow the scheme")
    default: throw Self.invalid(text, "the scheme \"\(scheme)\" is not known")
    }
    if system != .embedded {
      guard rest.hasPrefix("//") else { throw Self.invalid(text, "\"//\" and a host must follow \"\(scheme):\"") }
      guard let host = URLComponents(string: text)?.host, !host.isEmpty else {
        throw Self.invalid(
          text, "the host is missing, the port is not a number, or a character must be percent-encoded")
      }
    }
    self.text = text
  }

  /// The URL as logs may show it: a password is replaced by `***`.
  public var description: String { Self.redacted(text) }

  /// Makes the broker. Nothing is connected yet: that is `start`.
  /// - Throws: `configuration` where a part of the URL makes no sense to the broker.
  public func open(_ environment: BrokerEnvironment) throws(BrokerError) -> any BrokerAdministration {
    switch system {
    case .embedded:
      let path = String(text[text.index(after: text.firstIndex(of: ":") ?? text.startIndex)...])
      return try EmbeddedBroker(path: path, environment: environment)
    case .redis: return try RedisBroker(url: text, environment: environment)
    case .rabbitMQ: return try RabbitMQBroker(url: text, environment: environment)
    }
  }

  /// Everything between the scheme's `//` and the last `@` of the authority may hold a secret; a `?password=` too.
  static func redacted(_ text: String) -> String {
    guard let slashes = text.range(of: "://") else {
      // Somebody forgot the "//"; what stands before an "@" may be a password all the same.
      guard let at = text.lastIndex(of: "@"), !text.lowercased().hasPrefix("embedded:") else { return text }
      return "\(text[..<at].prefix { $0 != ":" }):***\(text[at...])"
    }
    let authority = text[slashes.upperBound...].prefix { !"/?#".contains($0) }
    // An unencoded "/" in a password ends the authority early, so the last "@" of the whole text counts.
    let end = text[slashes.upperBound...].lastIndex(of: "@") ?? authority.startIndex
    var result = String(text[..<slashes.upperBound])
    if end > slashes.upperBound {
      let user = text[slashes.upperBound..<end].prefix { $0 != ":" }
      result += user.count == text.distance(from: slashes.upperBound, to: end) ? user : "\(user):***"
    }
    result += text[end...].prefix { $0 != "?" }
    return result
  }

  private static func invalid(_ text: String, _ reason: String) -> BrokerError {
    BrokerError(
      .configuration,
      """
      the broker URL "\(redacted(text))" cannot be used: \(reason). Valid are embedded:PATH (a file), embedded: \
      (memory), redis://[user:password@]host[:port][/database] and amqp://[user:password@]host[:port][/vhost]
      """, isRetriable: false)
  }
}
