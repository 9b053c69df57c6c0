public import MartletCore

public import struct Foundation.Date

/// A message as a function gets it: the decoded body and what came with it.
public struct Incoming<Body: Sendable>: Sendable {
  /// The payload.
  public let body: Body
  let delivery: DeliveryReference

  /// The sender's id; the same whenever the message is delivered again. Where the sender gave none, the broker's place
  /// of the message stands for it; RabbitMQ has none, and each delivery of such a message gets another id.
  public var id: String { delivery.value.message.id }
  /// The key that keeps related messages together.
  public var key: String? { delivery.value.message.key }
  /// What the sender attached.
  public var headers: Headers { delivery.value.message.headers }
  /// What the sender said the body is.
  public var contentType: ContentType? { delivery.value.message.contentType }
  /// This run's number, from 1.
  public var attempt: Int { delivery.value.attempt }
  /// When it was sent, where the broker or the sender says so.
  public var enqueuedAt: Date? { delivery.value.message.enqueuedAt }
  /// When it ends to be of use.
  public var expiresAt: Date? { delivery.value.message.expiresAt }
  /// The trace that it belongs to.
  public var trace: TraceContext? { delivery.value.message.trace }
}
