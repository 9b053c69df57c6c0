public import struct Foundation.Date

/// A message on its way to a broker, encoded.
///
/// Small, because millions are passed on: what few messages have lies in a box that is nil for the others.
public struct OutgoingMessage: Sendable {
  /// Where it goes.
  public var address: Address
  /// The payload.
  public var body: Bytes
  /// Unique; the same whenever the same output is sent again.
  public var id: String
  /// What the body is.
  public var contentType: ContentType?
  @usableFromInline var details: Details?

  struct Values {
    var key: String?
    var partition: Int?
    var headers = Headers()
    var trace: TraceContext?
    var deliverAt: Date?
    var timeToLive: Duration?
  }

  @usableFromInline
  final class Details: Sendable {
    let values: Values
    let isEvent: Bool

    init(_ values: Values) {
      self.values = values
      isEvent =
        values.key != nil && values.headers.isEmpty && values.deliverAt == nil && values.timeToLive == nil
        && values.trace?.state == nil
    }
  }

  public init(
    to address: Address, body: Bytes, id: String, contentType: ContentType? = nil, key: String? = nil,
    headers: Headers = Headers(), trace: TraceContext? = nil, deliverAt: Date? = nil, timeToLive: Duration? = nil
  ) {
    let isPlain = key == nil && headers.isEmpty && trace == nil && deliverAt == nil && timeToLive == nil
    details =
      isPlain
      ? nil
      : Details(Values(key: key, headers: headers, trace: trace, deliverAt: deliverAt, timeToLive: timeToLive))
    self.address = address
    self.body = body
    self.id = id
    self.contentType = contentType
  }

  /// Whether it is body, id and content type alone: then a broker need not look for the rest.
  @inlinable
  public var isPlain: Bool { details == nil }

  /// Whether it is what most events are: a key, perhaps a partition and a trace without state, beside body, id and
  /// content type.
  public var isPlainEvent: Bool { details?.isEvent ?? false }

  private subscript<Value>(field: WritableKeyPath<Values, Value>) -> Value {
    get { (details?.values ?? Values())[keyPath: field] }
    set {
      var values = details?.values ?? Values()
      values[keyPath: field] = newValue
      details = Details(values)
    }
  }

  /// Keeps related messages together.
  public var key: String? {
    get { details?.values.key }
    set { self[\.key] = newValue }
  }

  /// The partition of a hub that it goes to; nil leaves it to the key. No meaning for queues.
  public var partition: Int? {
    get { details?.values.partition }
    set { self[\.partition] = newValue }
  }

  /// What else goes with it.
  public var headers: Headers {
    get { details?.values.headers ?? Headers() }
    set { self[\.headers] = newValue }
  }

  /// The trace that it belongs to.
  public var trace: TraceContext? {
    get { details?.values.trace }
    set { self[\.trace] = newValue }
  }

  /// Not before this time, by the wall clock; nil is at once.
  public var deliverAt: Date? {
    get { details?.values.deliverAt }
    set { self[\.deliverAt] = newValue }
  }

  /// How long it is of use from the moment it can be received; nil is for ever. Then it goes to the dead letters. Its end
  /// is written by the sender's wall clock and judged by the receiver's: the clocks' difference counts.
  public var timeToLive: Duration? {
    get { details?.values.timeToLive }
    set { self[\.timeToLive] = newValue }
  }

  /// When its time to live ends if it is sent at `now`; what brokers write as `WireField.expiresAt`.
  public func expiresAt(sentAt now: Date) -> Date? {
    guard let timeToLive else { return nil }
    return max(deliverAt ?? now, now).addingTimeInterval(timeToLive / .seconds(1))
  }
}
