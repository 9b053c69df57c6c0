/// What went wrong between Martlet and a broker.
public struct BrokerError: Error, Sendable, CustomStringConvertible {
  /// The kind of trouble.
  public struct Code: Sendable, Hashable, CustomStringConvertible {
    /// The name, as logs show it.
    public let description: String
    init(_ description: String) { self.description = description }
    /// The broker cannot be reached, or went away.
    public static let unavailable = Code("unavailable")
    /// Name or password were refused.
    public static let authentication = Code("authentication")
    /// The user may not do this.
    public static let permission = Code("permission")
    /// The queue, exchange or stream does not exist.
    public static let notFound = Code("notFound")
    /// It exists, with other arguments or of another type.
    public static let conflict = Code("conflict")
    /// Larger than the broker or `maxMessageBytes` allows.
    public static let tooLarge = Code("tooLarge")
    /// Full: memory, disk, length or connection limit.
    public static let exhausted = Code("exhausted")
    /// A setting, URL or name makes no sense.
    public static let configuration = Code("configuration")
    /// The broker was closed.
    public static let closed = Code("closed")
    /// Whoever waited for the answer was cancelled.
    public static let cancelled = Code("cancelled")
    /// A message of this id came to its end before: see `Deduplication`.
    public static let repeated = Code("repeated")
    /// The other side did what the protocol does not allow.
    public static let protocolViolation = Code("protocolViolation")
  }

  /// The kind of trouble.
  public let code: Code
  /// One sentence: what, where, why, and the way out. Never holds a secret.
  public let message: String
  /// Whether waiting can mend it.
  public let isRetriable: Bool
  /// What the system or the library said; nil where the broker itself refused.
  public let underlying: (any Error)?

  public init(_ code: Code, _ message: String, isRetriable: Bool, underlying: (any Error)? = nil) {
    self.code = code
    self.message = message
    self.isRetriable = isRetriable
    self.underlying = underlying
  }

  public var description: String { "\(code): \(message)" }

  /// A message was refused because one of its id came to its end before.
  public static func repeated(_ id: String, in queue: String) -> BrokerError {
    BrokerError(
      .repeated, "a message \(id) of \(queue) came to its end before, within the window of deduplicate",
      isRetriable: false)
  }
}
