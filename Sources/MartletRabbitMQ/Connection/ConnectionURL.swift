import MartletCore

/// Where a broker is and who asks: `amqp://user:password@host:port/vhost`.
struct ConnectionURL: Sendable, Hashable, CustomStringConvertible {
  var host: String
  var port: UInt16
  var user: String
  var password: String
  var virtualHost: String

  /// Reads a URL. Left out are: user and password (`guest`), port (5672), virtual host (`/`).
  /// - Throws: `configuration`. The message never holds the password.
  init(_ text: String) throws(BrokerError) {
    let scheme: Substring
    var rest: Substring
    guard let colon = text.firstRange(of: "://") else {
      throw Self.problem("it does not begin with amqp://")
    }
    scheme = text[..<colon.lowerBound]
    rest = text[colon.upperBound...]
    switch scheme.lowercased() {
    case "amqp": break
    case "amqps": throw Self.problem("amqps:// (TLS) is not supported yet; use amqp:// inside a private network")
    default: throw Self.problem("its scheme is not amqp")
    }
    if rest.contains("?") || rest.contains("#") { throw Self.problem("parameters behind ? or # are not supported") }
    virtualHost = "/"
    if let slash = rest.firstIndex(of: "/") {
      let path = rest[rest.index(after: slash)...]
      if path.contains("/") { throw Self.problem("a / inside the virtual host is written %2f") }
      let name = try Self.decoded(path, "virtual host")
      if !name.isEmpty { virtualHost = name }
      rest = rest[..<slash]
    }
    (user, password) = ("guest", "guest")
    if let at = rest.lastIndex(of: "@") {
      let credentials = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      // `:password@host`, where the password came from elsewhere, is the default user's.
      user = credentials[0].isEmpty ? "guest" : try Self.decoded(credentials[0], "user")
      password = credentials.count > 1 ? try Self.decoded(credentials[1], "password") : ""
      rest = rest[rest.index(after: at)...]
    }
    if rest.contains(",") { throw Self.problem("lists of hosts are not supported yet; name one host") }
    (host, port) = try Self.hostAndPort(rest)
    for (part, name) in [(virtualHost, "virtual host"), (user, "user")] where part.utf8.count > 255 {
      throw Self.problem("the \(name) is longer than 255 bytes")
    }
  }

  /// Host, port and virtual host: all that logs and errors say.
  var description: String {
    let host = host.contains(":") ? "[\(host)]" : host
    return virtualHost == "/" ? "\(host):\(port)" : "\(host):\(port)/\(virtualHost)"
  }

  private static func hostAndPort(_ text: Substring) throws(BrokerError) -> (String, UInt16) {
    var name = text
    var port: Substring?
    if text.hasPrefix("[") {
      guard let bracket = text.firstIndex(of: "]") else { throw problem("an IPv6 address lacks its ]") }
      name = text[text.index(after: text.startIndex)..<bracket]
      let behind = text[text.index(after: bracket)...]
      guard behind.isEmpty || behind.hasPrefix(":") else { throw problem("something stands behind the ]") }
      port = behind.isEmpty ? nil : behind.dropFirst()
    } else if let colon = text.firstIndex(of: ":") {
      name = text[..<colon]
      port = text[text.index(after: colon)...]
    }
    guard !name.isEmpty else { throw problem("the host is missing") }
    guard let port else { return (String(name), 5672) }
    guard let number = UInt16(port), number > 0 else { throw problem("the port is not a number from 1 to 65535") }
    return (String(name), number)
  }

  private static func decoded(_ text: Substring, _ what: String) throws(BrokerError) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
        throw problem("the \(what) has a % without two hexadecimal digits")
      }
      bytes.append(high << 4 | low)
    }
    guard let decoded = String(validating: bytes, as: UTF8.self), !decoded.utf8.contains(0) else {
      throw problem("the \(what) is not text")
    }
    return decoded
  }

  private static func digit(_ byte: UInt8) -> UInt8? { Character(UnicodeScalar(byte)).hexDigitValue.map(UInt8.init) }

  private static func problem(_ text: String) -> BrokerError {
    BrokerError(
      .configuration, "the RabbitMQ URL cannot be used: \(text); it reads amqp://user:password@host:port/vhost",
      isRetriable: false)
  }
}
