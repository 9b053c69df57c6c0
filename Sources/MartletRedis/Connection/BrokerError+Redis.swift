import MartletCore

extension BrokerError {
  /// An error reply. The first word is Redis' code.
  init(redis text: String, at url: RedisURL) {
    let code = text.prefix { $0 != " " }
    switch code {
    case "WRONGPASS", "NOAUTH":
      self.init(
        .authentication, "Redis at \(url.place) refuses user \"\(url.user ?? "default")\": wrong or missing password",
        isRetriable: true)
    case "NOPERM":
      self.init(.permission, "Redis user \"\(url.user ?? "default")\" may not do this: \(text)", isRetriable: true)
    case "REFUSED": self.init(redis: String(text.dropFirst(code.count + 1)), at: url)
    case "WRONGTYPE": self.init(.conflict, "a key is in use for something else: \(text)", isRetriable: false)
    case "OOM":
      self.init(.exhausted, "Redis is out of memory (maxmemory): \(text)", isRetriable: true)
    case "MISCONF":
      self.init(.exhausted, "Redis cannot write to its disk: \(text)", isRetriable: true)
    case "LOADING", "BUSY", "MASTERDOWN", "TRYAGAIN", "CLUSTERDOWN", "NOREPLICAS", "UNKILLABLE", "NOSCRIPT":
      self.init(.unavailable, "Redis is busy: \(text)", isRetriable: true)
    case "READONLY":
      self.init(.unavailable, "Redis at \(url.place) is a read-only replica", isRetriable: true)
    case "NOGROUP", "UNBLOCKED":
      self.init(.notFound, "the queue was deleted: \(text)", isRetriable: true)
    default:
      self.init(.protocolViolation, "Redis refused a command: \(text)", isRetriable: false)
    }
  }
}
