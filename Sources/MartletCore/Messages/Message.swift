public import struct Foundation.Date

/// A message as a broker delivers it: bytes and what was said about them.
///
/// Small, because millions are passed on: what few messages have lies in a box that is nil for the others.
public struct Message: Sendable {
  /// The payload, undecoded.
  public var body: Bytes
  /// What the sender said the body is; nil where it said nothing.
  public var contentType: ContentType?
  /// The key that keeps related messages together; nil where there is none.
  public var key: String?
  /// The id as it arrived.
  public var identifier: Identifier
  /// Milliseconds since 1970; minus one is unknown.
  private var enqueuedMilliseconds: Int64
  @usableFromInline var details: Details?

  /// An id: text, or the bytes that a broker read. Most ids are never looked at as text, and a string of their length is
  /// an allocation.
  public enum Identifier: Sendable {
    /// As somebody wrote it, or an id that was made for a message without one.
    case text(String)
    /// What is no UTF-8 in it is repaired where it becomes text.
    case utf8(Bytes)

    /// Lends its bytes for the time of `body`.
    func withUTF8<R>(_ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
      switch self {
      case .text(var text): text.withUTF8(body)
      case .utf8(let bytes): bytes.withUnsafeBytes { body($0.bindMemory(to: UInt8.self)) }
      }
    }
  }

  @usableFromInline
  final class Details: Sendable {
    @usableFromInline let headers: Headers
    @usableFromInline let trace: TraceContext?
    @usableFromInline let expiresAt: Date?

    init(headers: Headers, trace: TraceContext?, expiresAt: Date?) {
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
    self.contentType = contentType
    self.key = key
    identifier = .text(id)
    enqueuedMilliseconds = enqueuedAt.map { Int64($0.timeIntervalSince1970 * 1000) } ?? -1
    if !headers.isEmpty || trace != nil || expiresAt != nil {
      details = Details(headers: headers, trace: trace, expiresAt: expiresAt)
    }
  }

  /// The same, as brokers have it: an id that may be bytes, and the time in milliseconds since 1970, minus one where it is
  /// unknown.
  public init(identifier: Identifier, contentType: ContentType? = nil, enqueuedMilliseconds: Int64) {
    body = Bytes()
    self.contentType = contentType
    self.identifier = identifier
    self.enqueuedMilliseconds = enqueuedMilliseconds
  }

  /// The sender's id. Brokers make one from the place in the queue where the sender gave none.
  public var id: String {
    get {
      switch identifier {
      case .text(let id): id
      case .utf8(let bytes): bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
      }
    }
    set { identifier = .text(newValue) }
  }

  /// Everything else that the sender attached. Martlet's own fields (`WireField`) are not among them.
  public var headers: Headers {
    @inlinable get { details?.headers ?? Headers() }
    set { details = Details(headers: newValue, trace: trace, expiresAt: expiresAt) }
  }

  /// Sets what few messages have, all at once.
  public mutating func attach(headers: Headers, trace: TraceContext?, expiresAt: Date?) {
    let areAny = !headers.isEmpty || trace != nil || expiresAt != nil
    details = areAny ? Details(headers: headers, trace: trace, expiresAt: expiresAt) : nil
  }

  /// The trace that the message belongs to.
  public var trace: TraceContext? {
    @inlinable get { details?.trace }
    set { details = Details(headers: headers, trace: newValue, expiresAt: expiresAt) }
  }

  /// When it ends to be of use; the runtime moves later ones to the dead letters instead of running them.
  public var expiresAt: Date? {
    @inlinable get { details?.expiresAt }
    set { details = Details(headers: headers, trace: trace, expiresAt: newValue) }
  }

  /// When it was sent, by the broker's clock or, on AMQP, the sender's; nil where neither says. To the millisecond.
  public var enqueuedAt: Date? {
    get { enqueuedMilliseconds < 0 ? nil : Date(timeIntervalSince1970: Double(enqueuedMilliseconds) / 1000) }
    set { enqueuedMilliseconds = newValue.map { Int64($0.timeIntervalSince1970 * 1000) } ?? -1 }
  }
}
