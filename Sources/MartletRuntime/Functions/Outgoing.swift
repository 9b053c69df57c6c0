public import MartletCore

public import struct Foundation.Date

/// An output with more said about it than its body.
public struct Outgoing<Body: Sendable>: Sendable {
  /// The payload.
  public var body: Body
  /// Keeps related messages together; of an event, it decides about the partition.
  public var key: String?
  /// The partition of an event hub, whatever the key; nil leaves it to the key, or to the round. Not for queues.
  public var partition: Int?
  /// Default: made from the input's id, so that a repeat has the same. 1 to 200 bytes.
  public var messageID: String?
  /// Not before this time. Default: at once.
  public var deliverAt: Date?
  /// How long it is of use once it can be received; then it goes to the dead letters. Positive. Default: for ever. Its end
  /// is written by this machine's wall clock and judged by the receiver's: the clocks' difference counts.
  public var timeToLive: Duration?
  /// What else goes with it.
  public var headers: Headers

  public init(
    _ body: Body, key: String? = nil, partition: Int? = nil, messageID: String? = nil, deliverAt: Date? = nil,
    timeToLive: Duration? = nil,
    headers: Headers = Headers()
  ) {
    self.body = body
    self.key = key
    self.partition = partition
    self.messageID = messageID
    self.deliverAt = deliverAt
    self.timeToLive = timeToLive
    self.headers = headers
  }
}

extension Outgoing: Equatable where Body: Equatable {}
