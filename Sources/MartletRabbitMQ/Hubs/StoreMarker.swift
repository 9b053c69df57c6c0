import MartletCore

/// The exchange that says which store a consumer group is bound to: `readings/detect.store`. Nothing is published to it.
/// As with a hub's partition count, its `alternate-exchange`, which names no exchange, is what RabbitMQ compares, so one
/// of two stores is first. A golden file holds all of it.
///
/// It is bound to the first partition of the hub and deleted by RabbitMQ with that. For a volatile store it is not
/// durable, and bound to a queue that belongs to a connection of the process and ends with it.
enum StoreMarker {
  static let suffix = ".store"
  /// Where the store is, for people alone: RabbitMQ does not compare it.
  static let placeHeader = "martlet-store"
  private static let prefix = "martlet.store."

  static func exchange(of group: ConsumerGroup) -> String {
    let name = group.description
    return (name.utf8.count <= QueueLayout.longestName ? name : MessageIdentifier.digest(of: name.utf8)) + suffix
  }

  static func arguments(_ store: StoreIdentity) -> [Header] {
    [
      Header("alternate-exchange", .string(prefix + store.uuid)), Header(placeHeader, .string(store.place)),
    ]
  }

  /// Those of no store: what RabbitMQ says to them tells which one it is.
  static let question = [Header("alternate-exchange", .string(prefix))]

  /// The store in the text of a refused declaration; nil where there is none, or it was cut off.
  static func uuid(in text: String) -> String? {
    for part in text.split(separator: prefix).dropFirst() {
      let uuid = part.prefix { $0.isHexDigit }
      if uuid.count == 32 { return String(uuid) }
    }
    return nil
  }

  /// Whether a refused declaration was not of the same kind: one was durable, the other not.
  static func isOtherKind(_ text: String) -> Bool { text.contains("'durable'") }
}
