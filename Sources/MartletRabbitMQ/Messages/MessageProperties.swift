import CRabbitMQ
import MartletCore

/// Which properties of a message are there.
enum PropertyFlag {
  static let contentType: amqp_flags_t = 1 << 15
  static let contentEncoding: amqp_flags_t = 1 << 14
  static let headers: amqp_flags_t = 1 << 13
  static let deliveryMode: amqp_flags_t = 1 << 12
  static let priority: amqp_flags_t = 1 << 11
  static let correlationID: amqp_flags_t = 1 << 10
  static let replyTo: amqp_flags_t = 1 << 9
  static let expiration: amqp_flags_t = 1 << 8
  static let messageID: amqp_flags_t = 1 << 7
  static let timestamp: amqp_flags_t = 1 << 6
  static let type: amqp_flags_t = 1 << 5
  static let appID: amqp_flags_t = 1 << 3
  /// Those that a message of Martlet carries as headers `amqp-…`.
  static let foreign = contentEncoding | correlationID | replyTo | type | appID
}

/// The properties that a `Message` has no place for travel as headers, so that a retry or a dead letter keeps them.
extension amqp_basic_properties_t {
  private static var names: [(String, amqp_flags_t, WritableKeyPath<Self, amqp_bytes_t>)] {
    [
      ("amqp-content-encoding", PropertyFlag.contentEncoding, \.content_encoding),
      ("amqp-correlation-id", PropertyFlag.correlationID, \.correlation_id),
      ("amqp-reply-to", PropertyFlag.replyTo, \.reply_to),
      ("amqp-type", PropertyFlag.type, \.type),
      ("amqp-app-id", PropertyFlag.appID, \.app_id),
    ]
  }

  /// Writes a header `amqp-…` as the property that it stands for; false for all other headers.
  mutating func take(_ header: Header, _ scratch: Scratch) -> Bool {
    guard header.name.hasPrefix(HeaderName.property), case .string(let text) = header.value, text.utf8.count <= 255,
      let (_, flag, path) = Self.names.first(where: { $0.0 == header.name })
    else { return false }
    _flags |= flag
    self[keyPath: path] = scratch.bytes(text)
    return true
  }

  /// The headers that stand for properties.
  var foreignHeaders: [Header] {
    guard _flags & PropertyFlag.foreign != 0 else { return [] }
    return Self.names.compactMap { name, flag, path in
      _flags & flag != 0 ? Header(name, .string(self[keyPath: path].text)) : nil
    }
  }
}
