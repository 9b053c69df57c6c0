import CRabbitMQ
import Foundation
import MartletCore

/// A message as it came, with what was said beside it for Martlet. One is filled again and again, because this is done
/// for every message; what few have lies in a box.
struct ReceivedMessage {
  var message = Message(body: Bytes(), id: "")
  /// Attempts spent before this delivery.
  var attempts = 0
  /// How often this copy was handed to somebody who did not settle it.
  var deliveryCount = 0
  /// Its place in the stream that it came from.
  var streamOffset: UInt64?
  /// Whether its sender gave it an id.
  var hasID = true
  var details: Details?

  /// What few messages have.
  struct Values {
    /// Not before this time: one pass of the delay ladder did not reach it.
    var deliverAt: Date?
    /// Why it was set aside, for dead letters.
    var reason: [Header] = []
    /// Why the broker set it aside by itself.
    var death: BrokerDeath?
  }

  final class Details {
    let values: Values

    init(_ values: Values) { self.values = values }
  }

  var deliverAt: Date? { details?.values.deliverAt }
  var reason: [Header] { details?.values.reason ?? [] }
  var death: BrokerDeath? { details?.values.death }

  /// The id of an event: in a stream the place can stand for one that the sender did not give.
  func eventID(in stream: String) -> String { hasID ? message.id : "\(stream)@\(streamOffset ?? 0)" }

  /// Hands the message over.
  mutating func takeMessage() -> Message {
    var taken = Message(body: Bytes(), id: "")
    swap(&message, &taken)
    return taken
  }
}
