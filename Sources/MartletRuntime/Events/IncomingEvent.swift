public import MartletCore

public import struct Foundation.Date

/// An event as a function gets it: the decoded body and what came with it.
public struct IncomingEvent<Body: Sendable>: Sendable {
  /// The payload.
  public let body: Body
  let event: EventReference

  /// The sender's id; the same whenever the event is read again.
  public var id: String { event.value.message.id }
  /// The key that decided about the partition.
  public var key: String? { event.value.message.key }
  /// What the sender attached.
  public var headers: Headers { event.value.message.headers }
  /// What the sender said the body is.
  public var contentType: ContentType? { event.value.message.contentType }
  /// Its place in the partition.
  public var offset: EventOffset { event.value.offset }
  /// How many events the partition took before it.
  public var sequenceNumber: Int64 { event.value.sequenceNumber }
  /// When it was enqueued, where the broker or the sender says so.
  public var enqueuedAt: Date? { event.value.message.enqueuedAt }
  /// This run's number, from 1.
  public var attempt: Int { event.attempt }
  /// The trace that it belongs to.
  public var trace: TraceContext? { event.value.message.trace }
}
