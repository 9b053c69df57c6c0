public import MartletCore

public import struct Foundation.Date

/// An output with more said about it than its body.
public struct Outgoing<Body: Sendable>: Sendable {
  /// The payload.
  public var body: Body
  /// Keeps related messages together.
  public var key: String?
  /// Default: made from the input's id, so that a repeat has the same. 1 to 200 bytes.
  public var messageID: String?
  /// Not before this time. Default: at once.
  public var deliverAt: Date?
  /// How long it is of use once it can be received; then it goes to the dead letters. Positive. Default: for ever.
  public var timeToLive: Duration?
  /// What else goes with it.
  public var headers: Headers

  public init(
    _ body: Body, key: String? = nil, messageID: String? = nil, deliverAt: Date? = nil, timeToLive: Duration? = nil,
    headers: Headers = Headers()
  ) {
    self.body = body
    self.key = key
    self.messageID = messageID
    self.deliverAt = deliverAt
    self.timeToLive = timeToLive
    self.headers = headers
  }
}

extension Outgoing: Equatable where Body: Equatable {}
