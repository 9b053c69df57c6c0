import struct Foundation.Decimal

extension JSONStack where Element == UInt8 {
  /// All digits of the decimal. It is not NaN.
  mutating func append(decimal value: Decimal) {
    guard let parts = DecimalParts(value) else { return append(plain: value.description) }
    if parts.isNegative { append(UInt8(ascii: "-")) }
    let start = count
    append(digits: parts.digits)
    if parts.exponent >= 0 {
      for _ in 0..<parts.exponent { append(UInt8(ascii: "0")) }
      return
    }
    let digits = count - start
    let whole = digits + parts.exponent
    if whole > 0 {
      shift(from: start + whole, by: 1)
      base[start + whole] = UInt8(ascii: ".")
    } else {
      let zeros = 2 - whole
      shift(from: start, by: zeros)
      (base + start).update(repeating: UInt8(ascii: "0"), count: zeros)
      base[start + 1] = UInt8(ascii: ".")
    }
  }

  /// Makes room before what begins at `position`.
  private mutating func shift(from position: Int, by more: Int) {
    _ = reserve(more)
    (base + position + more).update(from: base + position, count: count - position)
    grown(by: more)
  }
}

/// A decimal as `± digits × 10^exponent`, read from its memory: `Decimal.description` takes a microsecond, and there
/// is no other way to the digits.
///
/// The layout is that of `NSDecimal`, which has not changed since it exists; it is probed once all the same, and with
/// any other the answer is nil for every decimal.
struct DecimalParts {
  let digits: UInt64
  let exponent: Int
  let isNegative: Bool

  /// Nil for more digits than 64 bits hold.
  init?(_ value: Decimal) {
    guard Self.isLayoutKnown else { return nil }
    self.init(trusting: value)
  }

  private init?(trusting value: Decimal) {
    var exponent: Int8 = 0
    var flags: UInt8 = 0
    var low: UInt64 = 0
    withUnsafeBytes(of: value) { bytes in
      exponent = bytes.load(fromByteOffset: 0, as: Int8.self)
      flags = bytes.load(fromByteOffset: 1, as: UInt8.self)
      low = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt64.self))
    }
    // Words behind the length mean nothing, and a length of more than four words exceeds 64 bits.
    let words = Int(flags >> 4)
    guard words <= 4 else { return nil }
    digits = words == 4 ? low : low & (1 << UInt64(16 * words) - 1)
    self.exponent = words == 0 ? 0 : Int(exponent)
    isNegative = flags & 8 != 0
  }

  private static let isLayoutKnown: Bool = {
    guard MemoryLayout<Decimal>.size == 20 else { return false }
    let probes = ["0", "1", "-55.98", "1234567890123456789", "-0.0000001", "1e100", "18446744073709551615e-60"]
    return probes.allSatisfy { text in
      guard let value = Decimal(string: text), let parts = DecimalParts(trusting: value) else { return false }
      return value
        == Decimal(
          sign: parts.isNegative ? .minus : .plus, exponent: parts.exponent, significand: Decimal(parts.digits))
    }
  }()
}
