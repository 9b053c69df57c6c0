public import struct Foundation.Date

/// The value of a header. Redis and the embedded broker carry text; AMQP 0-9-1 carries every case.
public enum HeaderValue: Sendable, Hashable {
  case string(String)
  case int(Int64)
  case double(Double)
  case bool(Bool)
  case bytes(Bytes)
  case timestamp(Date)
  case array([HeaderValue])
  case table([Header])
  case null

  /// The value as text, the way a broker without types carries it; nil for tables, arrays and null.
  public var text: String? {
    switch self {
    case .string(let value): value
    case .int(let value): String(value)
    case .double(let value): String(value)
    case .bool(let value): String(value)
    case .bytes(let value): value.string
    case .timestamp(let value): String(Int64(value.timeIntervalSince1970))
    case .array, .table, .null: nil
    }
  }
}

extension HeaderValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByFloatLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int64) { self = .int(value) }
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  public init(floatLiteral value: Double) { self = .double(value) }
}
