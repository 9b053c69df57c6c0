public import struct Foundation.Date

/// A message as a broker delivers it: bytes and what was said about them.
///
/// Small, because millions are passed on: what few messages have lies in a box that is nil for the others.
public struct Message: Sendable {
  /// The payload, undecoded.
  public var body: Bytes
  /// The sender's id. Brokers make one from the place in the queue where the sender gave none.
  public var id: String
  /// What the sender said the body is; nil where it said nothing.
  public var contentType: ContentType?
  /// Milliseconds since 1970; minus one is unknown.
  private var enqueuedMilliseconds: Int64
  @usableFromInline var details: Details?

  @usableFromInline
  final class Details: Sendable {
    @usableFromInline let key: String?
    @usableFromInline let headers: Headers
    @usableFromInline let trace: TraceContext?
    @usableFromInline let expiresAt: Date?

    init(key: String?, headers: Headers, trace: TraceContext?, expiresAt: Date?) {
      self.key = key
      self.headers = headers
      self.trace = trace
      self.expiresAt = expiresAt
    }
  }

  public init(
    body: Bytes, id: String, contentType: ContentType? = nil, key: String? = nil, headers: Headers = Headers(),
    trace: TraceContext? = nil, enqueuedAt: Date? = nil, expiresAt: Date? = nil
  ) {
    self.body = body
    self.id = id
    self.contentType = contentType
    enqueuedMilliseconds = enqueuedAt.map { Int64($0.timeIntervalSince1970 * 1000) } ?? -1
    if key != nil || !headers.isEmpty || trace != nil || expiresAt != nil {
      details = Details(key: key, headers: headers, trace: trace, expiresAt: expiresAt)
    }
  }

  /// The same, with the time as brokers have it: milliseconds since 1970.
  public init(body: Bytes, id: String, contentType: ContentType?, enqueuedMilliseconds: Int64) {
    self.body = body
    self.id = id
    self.contentType = contentType
    self.enqueuedMilliseconds = enqueuedMilliseconds
  }

  /// The key that keeps related messages together; nil where there is none.
  public var key: String? {
    @inlinable get { details?.key }
    set { details = Details(key: newValue, headers: headers, trace: trace, expiresAt: expiresAt) }
  }

  /// Everything else that the sender attached. Martlet's own fields (`WireField`) are not among them.
  public var headers: Headers {
    @inlinable get { details?.headers ?? Headers() }
    set { details = Details(key: key, headers: newValue, trace: trace, expiresAt: expiresAt) }
  }

  /// The trace that the message belongs to.
  public var trace: TraceContext? {
    @inlinable get { details?.trace }
    set { details = Details(key: key, headers: headers, trace: newValue, expiresAt: expiresAt) }
  }

  /// When it ends to be of use; the runtime moves later ones to the dead letters instead of running them.
  public var expiresAt: Date? {
    @inlinable get { details?.expiresAt }
    set { details = Details(key: key, headers: headers, trace: trace, expiresAt: newValue) }
  }

  /// When it was sent, by the broker's clock or, on AMQP, the sender's; nil where neither says. To the millisecond.
  public var enqueuedAt: Date? {
    get { enqueuedMilliseconds < 0 ? nil : Date(timeIntervalSince1970: Double(enqueuedMilliseconds) / 1000) }
    set { enqueuedMilliseconds = newValue.map { Int64($0.timeIntervalSince1970 * 1000) } ?? -1 }
  }
}
