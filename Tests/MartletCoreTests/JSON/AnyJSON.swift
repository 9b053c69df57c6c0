import Foundation

/// Any document: it reads every value, so that nothing malformed escapes it.
indirect enum AnyJSON: Codable, Equatable {
  case null
  case bool(Bool)
  case int(Int)
  case double(Double)
  case string(String)
  case array([AnyJSON])
  case object([String: AnyJSON])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .bool(value)
    } else if let value = try? container.decode(Int.self) {
      self = .int(value)
    } else if let value = try? container.decode(Double.self) {
      self = .double(value)
    } else if let value = try? container.decode(String.self) {
      self = .string(value)
    } else if let value = try? container.decode([AnyJSON].self) {
      self = .array(value)
    } else {
      self = .object(try container.decode([String: AnyJSON].self))
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .null: try container.encodeNil()
    case .bool(let value): try container.encode(value)
    case .int(let value): try container.encode(value)
    case .double(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .array(let value): try container.encode(value)
    case .object(let value): try container.encode(value)
    }
  }
}

extension AnyJSON {
  static func random(_ generator: inout SeededGenerator, depth: Int = 0) -> AnyJSON {
    switch Int.random(in: 0..<(depth < 4 ? 8 : 6), using: &generator) {
    case 0: .null
    case 1: .bool(Bool.random(using: &generator))
    case 2: .int(Int.random(in: -100...100, using: &generator))
    case 3: .int(Int(truncatingIfNeeded: generator.next() >> UInt64.random(in: 0..<64, using: &generator)))
    case 4: .double(.random(&generator))
    case 5: .string(.random(&generator))
    case 6:
      .array((0..<Int.random(in: 0..<6, using: &generator)).map { _ in random(&generator, depth: depth + 1) })
    default:
      .object(
        Dictionary(
          (0..<Int.random(in: 0..<24, using: &generator)).map { _ in
            (String.random(&generator), random(&generator, depth: depth + 1))
          }, uniquingKeysWith: { first, _ in first }))
    }
  }
}
