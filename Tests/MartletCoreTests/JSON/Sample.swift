import Foundation

/// A payload with one of everything but dictionaries, whose order Foundation leaves to chance.
struct Sample: Codable, Equatable {
  struct Line: Codable, Equatable {
    var sku: String
    var quantity: Int
    var price: Decimal
    var weight: Double?
  }
  enum Payment: Codable, Equatable {
    case cash
    case card(number: String, month: UInt8)
    case points(Int64)
  }
  enum Level: String, Codable { case low, high }

  var id: String
  var customer: String?
  var count: UInt32
  var ratio: Double
  var small: Float
  var isPaid: Bool
  var at: Date
  var total: Decimal
  var link: URL?
  var token: UUID
  var body: Data
  var lines: [Line]
  var payment: Payment
  var level: Level?
  var matrix: [[Int8]]
  var flags: Set<UInt16>
  var tags: [String?]
}

/// A payload with dictionaries.
struct Tables: Codable, Equatable {
  var names: [String: Int]
  var places: [Int: String]
  var lists: [String: [Double]]
}

extension Sample {
  static func random(_ generator: inout SeededGenerator) -> Sample {
    func number<Value: FixedWidthInteger>(_ range: ClosedRange<Value>) -> Value {
      .random(in: range, using: &generator)
    }
    func chance() -> Bool { Bool.random(using: &generator) }
    var uuid: uuid_t = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    withUnsafeMutableBytes(of: &uuid) { $0.storeBytes(of: generator.next(), as: UInt64.self) }
    return Sample(
      id: .random(&generator), customer: chance() ? .random(&generator) : nil, count: number(0...UInt32.max),
      ratio: .random(&generator), small: Float(number(-1000...1000) as Int) / 8, isPaid: chance(),
      at: Date(timeIntervalSinceReferenceDate: Double(number(-1_000_000_000...1_000_000_000) as Int) / 1000),
      total: .random(&generator),
      link: chance() ? URL(string: "https://example.com/\(number(0...99) as Int)?q=a%20b") : nil,
      token: UUID(uuid: uuid), body: Data((0..<number(0...40)).map { _ in number(0...255) as UInt8 }),
      lines: (0..<number(0...4)).map { _ in
        Line(
          sku: .random(&generator), quantity: number(-9...99), price: .random(&generator),
          weight: chance() ? .random(&generator) : nil)
      },
      payment: [.cash, .card(number: .random(&generator), month: number(1...12)), .points(number(.min ... .max))][
        number(0...2)], level: chance() ? (chance() ? .low : .high) : nil,
      matrix: (0..<number(0...3)).map { _ in (0..<number(0...3)).map { _ in number(.min ... .max) } },
      flags: Set((0..<number(0...4)).map { _ in number(0 ... .max) }),
      tags: (0..<number(0...4)).map { _ in chance() ? .random(&generator) : nil })
  }
}

extension Tables {
  static func random(_ generator: inout SeededGenerator) -> Tables {
    func count(_ most: Int) -> Range<Int> { 0..<Int.random(in: 0...most, using: &generator) }
    return Tables(
      names: Dictionary(
        count(40).map { _ in (String.random(&generator), Int.random(in: -5...5, using: &generator)) }
      ) { $1 },
      places: Dictionary(
        count(5).map { _ in (Int.random(in: -99...99, using: &generator), String.random(&generator)) }
      ) { $1 },
      lists: Dictionary(
        count(5).map { _ in (String.random(&generator), count(3).map { _ in Double.random(&generator) }) }
      ) { $1 })
  }
}
