import Foundation

/// The password inside a broker's URL: whether there is one, and how one from elsewhere gets in.
enum BrokerPassword {
  /// Whether a URL shows one. An unencoded `/`, `?` or `#` in it does not hide it.
  static func isIn(_ url: String) -> Bool {
    guard let slashes = url.range(of: "://") else { return false }
    let rest = url[slashes.upperBound...]
    if let question = rest.firstIndex(of: "?"), rest[question...].lowercased().contains("password=") { return true }
    let authority = rest.prefix { !"/?#".contains($0) }
    if let at = authority.lastIndex(of: "@") { return hasPassword(authority[..<at]) }
    // No "@" in what looks like the authority, but one behind: a path may hold it, unless "host:port" is no port.
    guard let at = rest.lastIndex(of: "@"), !hasPort(authority) else { return false }
    return hasPassword(rest[..<at])
  }

  /// Whether it is RabbitMQ's default, which everybody knows and which opens the broker on its own machine only.
  static func isPublic(_ url: String) -> Bool {
    url.range(of: "://guest:guest@").map { !url[$0.upperBound...].contains("@") && !url.contains("?") } ?? false
  }

  private static func hasPassword(_ userInfo: Substring) -> Bool {
    guard let colon = userInfo.firstIndex(of: ":") else { return false }
    return userInfo.index(after: colon) < userInfo.endIndex
  }

  private static func hasPort(_ authority: Substring) -> Bool {
    guard let colon = authority.lastIndex(of: ":") else { return true }
    return authority[authority.index(after: colon)...].allSatisfy(\.isNumber) || authority.hasSuffix("]")
  }

  /// The URL with this password, percent-encoded, in place of its own.
  static func put(_ password: String, into url: String) -> String {
    guard let slashes = url.range(of: "://") else { return url }
    let rest = url[slashes.upperBound...]
    let authority = rest.prefix { !"/?#".contains($0) }
    let at = authority.lastIndex(of: "@")
    let user = at.map { authority[..<$0].prefix { $0 != ":" } } ?? ""
    let host = at.map { rest[rest.index(after: $0)...] } ?? rest
    return url[..<slashes.upperBound] + "\(user):\(encoded(password))@\(host)"
  }

  private static func encoded(_ text: String) -> String {
    text.utf8.reduce(into: "") { result, byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
        UInt8(ascii: "~"):
        result.unicodeScalars.append(Unicode.Scalar(byte))
      default: result += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
      }
    }
  }
}
