/// Where messages go to and come from: a kind and a name on one broker.
public struct Address: Sendable, Hashable, CustomStringConvertible {
  /// What stands behind the name.
  public struct Kind: Sendable, Hashable {
    enum Value: String {
      case queue, topic, hub
      case deadLetters = "dead-letters"
    }
    let value: Value
    /// Competing consumers; each message is settled on its own.
    public static let queue = Kind(value: .queue)
    /// Fan-out to subscriptions.
    public static let topic = Kind(value: .topic)
    /// A partitioned, replayable log.
    public static let hub = Kind(value: .hub)
    /// What was set aside from a queue or a consumer group.
    public static let deadLetters = Kind(value: .deadLetters)
  }

  /// What stands behind the name.
  public let kind: Kind
  /// The name on the broker, without prefix.
  public let name: String
  /// The named connection it lives on; nil is the app's default broker.
  public let connection: String?

  public init(_ kind: Kind, _ name: String, connection: String? = nil) {
    self.kind = kind
    self.name = name
    self.connection = connection
  }

  /// A queue.
  public static func queue(_ name: String, connection: String? = nil) -> Address {
    Address(.queue, name, connection: connection)
  }

  /// An event hub.
  public static func hub(_ name: String, connection: String? = nil) -> Address {
    Address(.hub, name, connection: connection)
  }

  /// The dead letters of a queue, or of a consumer group as `hub/group`.
  public static func deadLetters(of name: String, connection: String? = nil) -> Address {
    Address(.deadLetters, name, connection: connection)
  }

  /// `queue:orders`.
  public var description: String { "\(kind.value.rawValue):\(name)" }

  /// Why `name` cannot be the name of a queue, topic or hub; nil where it can. Allowed are 1 to 200 bytes of letters,
  /// digits and `-_./:` (Redis helpers add `{}` and a suffix, AMQP ends names at 255 bytes and reserves `amq.`).
  public static func problem(withName name: String) -> String? {
    if name.isEmpty { return "the name is empty" }
    if name.utf8.count > 200 { return "the name has \(name.utf8.count) bytes; at most 200 are possible" }
    if name.hasPrefix("amq.") { return "names that begin with \"amq.\" belong to RabbitMQ" }
    let allowed = name.utf8.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"):
        true
      default: "-_./:".utf8.contains(byte)
      }
    }
    return allowed ? nil : "the name may hold letters, digits and - _ . / : only"
  }
}
