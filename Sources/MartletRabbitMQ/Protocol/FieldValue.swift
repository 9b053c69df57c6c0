import CRabbitMQ
import Foundation
import MartletCore

/// The types of AMQP tables, as RabbitMQ writes them.
enum FieldKind {
  static let boolean = UInt8(ascii: "t")
  static let int8 = UInt8(ascii: "b")
  static let uint8 = UInt8(ascii: "B")
  static let int16 = UInt8(ascii: "s")
  static let uint16 = UInt8(ascii: "u")
  static let int32 = UInt8(ascii: "I")
  static let uint32 = UInt8(ascii: "i")
  static let int64 = UInt8(ascii: "l")
  static let uint64 = UInt8(ascii: "L")
  static let float = UInt8(ascii: "f")
  static let double = UInt8(ascii: "d")
  static let decimal = UInt8(ascii: "D")
  static let text = UInt8(ascii: "S")
  static let array = UInt8(ascii: "A")
  static let timestamp = UInt8(ascii: "T")
  static let table = UInt8(ascii: "F")
  static let void = UInt8(ascii: "V")
  static let bytes = UInt8(ascii: "x")
}

extension Scratch {
  /// A header's value as the library encodes it.
  func value(_ value: HeaderValue) -> amqp_field_value_t {
    switch value {
    case .string(let text): return martlet_field_bytes(FieldKind.text, bytes(text))
    case .int(let number): return martlet_field_u64(FieldKind.int64, UInt64(bitPattern: number))
    case .double(let number): return martlet_field_double(number)
    case .bool(let flag): return martlet_field_boolean(flag ? 1 : 0)
    case .bytes(let data): return martlet_field_bytes(FieldKind.bytes, data.withUnsafeBytes { bytes($0) })
    case .timestamp(let date): return martlet_field_u64(FieldKind.timestamp, date.unixSeconds)
    case .array(let values):
      let entries = array(of: amqp_field_value_t.self, count: values.count)
      for (index, element) in values.enumerated() { entries[index] = self.value(element) }
      return martlet_field_array(amqp_array_t(num_entries: Int32(values.count), entries: entries))
    case .table(let headers): return martlet_field_table(table(headers))
    case .null: return martlet_field_void()
    }
  }
}

extension HeaderValue {
  /// Deeper values become null when they are read, and are refused when they are sent.
  static let deepest = 32

  /// A received value. What Swift has no type for becomes text: nothing that a stranger sends is an error.
  init(_ field: amqp_field_value_t, arena: inout ByteArena, depth: Int = 1) {
    let value = field.value
    switch field.kind {
    case FieldKind.boolean: self = .bool(value.boolean != 0)
    case FieldKind.int8: self = .int(Int64(value.i8))
    case FieldKind.uint8: self = .int(Int64(value.u8))
    case FieldKind.int16: self = .int(Int64(value.i16))
    case FieldKind.uint16: self = .int(Int64(value.u16))
    case FieldKind.int32: self = .int(Int64(value.i32))
    case FieldKind.uint32: self = .int(Int64(value.u32))
    case FieldKind.int64: self = .int(value.i64)
    case FieldKind.uint64: self = Int64(exactly: value.u64).map(HeaderValue.int) ?? .string(String(value.u64))
    case FieldKind.float: self = .double(Double(value.f32))
    case FieldKind.double: self = .double(value.f64)
    case FieldKind.decimal: self = .string(Self.text(of: value.decimal))
    case FieldKind.text: self = .string(value.bytes.text)
    case FieldKind.bytes: self = .bytes(arena.copy(value.bytes.buffer))
    case FieldKind.timestamp: self = .timestamp(Date(unixSeconds: value.u64))
    case FieldKind.array where depth < Self.deepest:
      self = .array(value.array.elements.map { HeaderValue($0, arena: &arena, depth: depth + 1) })
    case FieldKind.table where depth < Self.deepest:
      self = .table(
        value.table.elements.map { Header($0.key.text, HeaderValue($0.value, arena: &arena, depth: depth + 1)) })
    default: self = .null
    }
  }

  private static func text(of decimal: amqp_decimal_t) -> String {
    let digits = String(decimal.value)
    let places = Int(decimal.decimals)
    guard places > 0 else { return digits }
    let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
    return "\(padded.dropLast(places)).\(padded.suffix(places))"
  }

  /// How many levels of arrays and tables it has; 1 for a plain value.
  var depth: Int {
    switch self {
    case .array(let values): 1 + (values.map(\.depth).max() ?? 0)
    case .table(let headers): 1 + (headers.map(\.value.depth).max() ?? 0)
    default: 1
    }
  }

  /// At least the bytes that it takes on the wire.
  var wireBytes: Int {
    switch self {
    case .string(let text): 5 + text.utf8.count
    case .bytes(let bytes): 5 + bytes.count
    case .array(let values): values.reduce(5) { $0 + $1.wireBytes }
    case .table(let headers): headers.reduce(5) { $0 + $1.wireBytes }
    default: 9
    }
  }
}

extension Header {
  /// At least the bytes that it takes on the wire.
  var wireBytes: Int { 1 + name.utf8.count + value.wireBytes }
}

extension amqp_bytes_t {
  var buffer: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : len) }
  /// As text; what is not UTF-8 is replaced.
  var text: String { String(decoding: buffer, as: UTF8.self) }
}

extension amqp_table_t {
  var elements: UnsafeBufferPointer<amqp_table_entry_t> {
    UnsafeBufferPointer(start: entries, count: entries == nil ? 0 : Int(num_entries))
  }
}

extension amqp_array_t {
  var elements: UnsafeBufferPointer<amqp_field_value_t> {
    UnsafeBufferPointer(start: entries, count: entries == nil ? 0 : Int(num_entries))
  }
}

extension Date {
  /// Whole seconds since 1970, as AMQP carries times; none before it.
  var unixSeconds: UInt64 { UInt64(max(0, min(timeIntervalSince1970, 9e15))) }
  /// Whole milliseconds since 1970.
  var unixMilliseconds: Int64 { Int64(max(0, min((timeIntervalSince1970 * 1000).rounded(), 9e15))) }

  init(unixSeconds: UInt64) { self.init(timeIntervalSince1970: Double(min(unixSeconds, 9_000_000_000_000_000))) }
  init(unixMilliseconds: Int64) { self.init(timeIntervalSince1970: Double(unixMilliseconds) / 1000) }
}
