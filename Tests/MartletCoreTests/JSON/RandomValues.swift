import Foundation

/// A random number generator whose seed a failing test prints.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
    return mixed ^ mixed >> 31
  }
}

extension String {
  static func random(_ generator: inout SeededGenerator) -> String {
    let pieces = [
      "a", "Z", "id", "sku", "0", " ", "-", "\"", "\\", "/", "\n", "\t", "\u{0}", "\u{1f}", "\u{7f}", "é", "e\u{301}",
      "ß",
      "日本", "🐦", "👩‍👩‍👧", "\u{2028}", "\u{fffd}", "plain text of some length", "null",
    ]
    return (0..<Int.random(in: 0..<8, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? "" }
      .joined()
  }
}

extension Double {
  static func random(_ generator: inout SeededGenerator) -> Double {
    switch Int.random(in: 0..<5, using: &generator) {
    case 0: return (Double(Int.random(in: -100_000...100_000, using: &generator)) / 100)
    case 1: return Double(Int.random(in: -1000...1000, using: &generator))
    case 2: return Double.random(in: -1...1, using: &generator)
    default:
      let any = Double(bitPattern: generator.next())
      return any.isFinite ? any : 0
    }
  }
}

extension Decimal {
  static func random(_ generator: inout SeededGenerator) -> Decimal {
    let digits = generator.next() >> UInt64.random(in: 0..<64, using: &generator)
    let value = Decimal(
      sign: Bool.random(using: &generator) ? .plus : .minus, exponent: Int.random(in: -30...10, using: &generator),
      significand: Decimal(digits))
    return Int.random(in: 0..<8, using: &generator) == 0 ? value * Decimal(generator.next()) : value
  }
}
