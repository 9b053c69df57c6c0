import MartletCore

/// Names of AMQP headers that mean something to RabbitMQ or to Martlet.
enum HeaderName {
  /// A time of delivery beyond the longest delay: milliseconds since 1970. Who receives the message earlier delays it
  /// again.
  static let deliverAt = "martlet-deliver-at"
  /// Stands before a user's header whose name is taken: it comes back without.
  static let escape = "martlet-header-"
  /// Stands before a property of AMQP that a message of Martlet does not have: `amqp-correlation-id`.
  static let property = "amqp-"

  /// How the names begin that say why a message was set aside.
  static let reason = "martlet-dead-letter-"

  /// The longest name of a user's header: AMQP's 255 bytes, with room for `escape`.
  static let longest = 255 - escape.utf8.count

  static let deathHistory = "x-death"
  static let deliveryCount = "x-delivery-count"
  static let streamOffset = "x-stream-offset"

  /// Whether a user's header of this name would be taken for something else: by Martlet, or by the broker, which routes
  /// by `CC` and `BCC` and drops messages whose `x-death` looks like a circle.
  static func isTaken(_ name: String) -> Bool {
    switch name {
    case "CC", "BCC", deathHistory, deliveryCount, streamOffset, WireField.traceparent, WireField.tracestate: true
    default: name.hasPrefix("martlet-") || name.hasPrefix("x-first-death-")
    }
  }
}
