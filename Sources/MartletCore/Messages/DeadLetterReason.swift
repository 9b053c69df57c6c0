public import Foundation

/// Why a message was set aside: what promise 8 names, carried as headers of the dead letter.
public struct DeadLetterReason: Sendable, Hashable {
  /// The kind of failure, stable enough to group by.
  public struct Code: Sendable, Hashable, RawRepresentable, CustomStringConvertible {
    /// The name on the wire; those of Azure Service Bus where it has one.
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }
    public var description: String { rawValue }
    /// Every attempt failed; the error is the last one's.
    public static let attemptsExhausted = Code(rawValue: "MaxDeliveryCountExceeded")
    /// The body could not be decoded.
    public static let undecodable = Code(rawValue: "Undecodable")
    /// The function asked for it with `Outcome.deadLetter`.
    public static let rejected = Code(rawValue: "Rejected")
    /// Its time to live ended before it was run.
    public static let expired = Code(rawValue: "TTLExpiredException")
    /// It is larger than `maxMessageBytes`.
    public static let tooLarge = Code(rawValue: "TooLarge")
  }

  /// The kind of failure.
  public var code: Code
  /// The function that gave it up; nil where the broker did.
  public var function: String?
  /// The type of the last error.
  public var errorType: String?
  /// The text of the last error, or the function's own reason. At most 4 096 bytes are kept.
  public var errorText: String
  /// How often it ran.
  public var attempts: Int
  /// Where it came from: a queue, or a hub with the consumer group as `hub/group`.
  public var source: Address
  /// The partition of the hub; nil for a queue.
  public var partition: Int?
  /// The place in the partition; nil for a queue.
  public var offset: EventOffset?
  /// When it was given up, by the wall clock of the process that did.
  public var time: Date
  /// The trace of the last attempt, as 32 hexadecimal digits; nil where there is none.
  public var traceID: String?

  public init(
    code: Code, function: String?, errorType: String?, errorText: String, attempts: Int, source: Address,
    partition: Int? = nil, offset: EventOffset? = nil, time: Date = Date(), traceID: String? = nil
  ) {
    self.code = code
    self.function = function
    self.errorType = errorType
    self.errorText = String(decoding: errorText.utf8.prefix(4096), as: UTF8.self)
    self.attempts = attempts
    self.source = source
    self.partition = partition
    self.offset = offset
    self.time = time
    self.traceID = traceID
  }
}

extension DeadLetterReason {
  /// The headers that carry it, the same on every broker.
  public var headers: [Header] {
    var headers = [
      Header(WireField.deadLetterReason, .string(code.rawValue)),
      Header(WireField.deadLetterError, .string(errorText)),
      Header(WireField.deadLetterAttempts, .int(Int64(attempts))),
      Header(WireField.deadLetterSource, .string(source.name)),
      Header(WireField.deadLetterTime, .string(time.ISO8601Format())),
    ]
    if let function { headers.append(Header(WireField.deadLetterFunction, .string(function))) }
    if let partition { headers.append(Header(WireField.deadLetterPartition, .string("\(partition)"))) }
    if let offset { headers.append(Header(WireField.deadLetterOffset, .string(offset.description))) }
    if let errorType { headers.append(Header(WireField.deadLetterErrorType, .string(errorType))) }
    if let traceID { headers.append(Header(WireField.deadLetterTrace, .string(traceID))) }
    return headers
  }

  /// Reads it back from a dead letter's headers; nil where they hold none.
  public init?(headers: Headers, source: Address) {
    guard let code = headers[WireField.deadLetterReason]?.text else { return nil }
    let partition = headers[WireField.deadLetterPartition]?.text.flatMap { Int($0) }
    self.init(
      code: Code(rawValue: code), function: headers[WireField.deadLetterFunction]?.text,
      errorType: headers[WireField.deadLetterErrorType]?.text,
      errorText: headers[WireField.deadLetterError]?.text ?? "",
      attempts: headers[WireField.deadLetterAttempts]?.text.flatMap { Int($0) } ?? 0,
      source: partition == nil ? source : .hub(source.name, connection: source.connection), partition: partition,
      offset: headers[WireField.deadLetterOffset]?.text.flatMap { EventOffset($0) },
      time: headers[WireField.deadLetterTime]?.text.flatMap { try? Date($0, strategy: .iso8601) } ?? .distantPast,
      traceID: headers[WireField.deadLetterTrace]?.text)
  }
}
