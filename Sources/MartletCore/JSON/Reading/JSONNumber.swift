/// A number literal, taken apart: `± digits × 10^exponent`.
struct JSONNumber {
  /// The first 19 significant digits.
  private(set) var digits: UInt64 = 0
  private(set) var exponent = 0
  private(set) var isNegative = false
  /// Written with digits only.
  private(set) var isInteger = true
  /// There are no more digits than `digits` holds.
  private(set) var isExact = true

  /// Exponents are held this far from overflow; nothing that far out is representable.
  private static let farExponent = 1_000_000

  /// Reads a literal, strictly by the grammar of JSON; nil where it is none.
  @inline(__always)
  init?(_ bytes: UnsafeBufferPointer<UInt8>) {
    let count = bytes.count
    var index = 0
    if count > 0, bytes[0] == UInt8(ascii: "-") {
      isNegative = true
      index = 1
    }
    let first = index
    var significant = 0
    while index < count, bytes[index] &- UInt8(ascii: "0") < 10 {
      take(bytes[index] &- UInt8(ascii: "0"), &significant, isFraction: false)
      index &+= 1
    }
    guard index > first, index == first + 1 || bytes[first] != UInt8(ascii: "0") else { return nil }
    if index == count { return }
    isInteger = false
    if bytes[index] == UInt8(ascii: ".") {
      index &+= 1
      let fraction = index
      while index < count, bytes[index] &- UInt8(ascii: "0") < 10 {
        take(bytes[index] &- UInt8(ascii: "0"), &significant, isFraction: true)
        index &+= 1
      }
      guard index > fraction else { return nil }
      if index == count { return }
    }
    guard readExponent(bytes, from: index) else { return nil }
  }

  @inline(__always)
  private mutating func take(_ digit: UInt8, _ significant: inout Int, isFraction: Bool) {
    if significant < 19 {
      digits = digits &* 10 &+ UInt64(digit)
      if digits != 0 { significant &+= 1 }
      if isFraction { exponent &-= 1 }
    } else {
      isExact = false
      if !isFraction { exponent &+= 1 }
    }
  }

  private mutating func readExponent(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Bool {
    guard bytes[start] | 0x20 == UInt8(ascii: "e") else { return false }
    var index = start + 1
    var isBelowOne = false
    if index < bytes.count, bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "+") {
      isBelowOne = bytes[index] == UInt8(ascii: "-")
      index += 1
    }
    guard index < bytes.count else { return false }
    var value = 0
    while index < bytes.count {
      let digit = bytes[index] &- UInt8(ascii: "0")
      guard digit < 10 else { return false }
      value = min(value * 10 + Int(digit), Self.farExponent)
      index += 1
    }
    exponent += isBelowOne ? -value : value
    return true
  }
}

extension JSONNumber {
  /// The nearest double, where one rounding of exact numbers finds it: the digits and the power of ten are both
  /// doubles themselves.
  @inline(__always)
  var fastDouble: Double? {
    guard isExact, digits <= 1 << 53, -22 <= exponent, exponent <= 22 else { return nil }
    let value = Double(digits)
    let scaled =
      exponent < 0 ? value / Self.powersOfTen[-exponent] : exponent > 0 ? value * Self.powersOfTen[exponent] : value
    return isNegative ? -scaled : scaled
  }

  /// The same for the smaller type; not through a double, which would round twice.
  var fastFloat: Float? {
    guard isExact, digits <= 1 << 24, -10 <= exponent, exponent <= 10 else { return nil }
    let power = Float(Self.powersOfTen[abs(exponent)])
    let value = exponent < 0 ? Float(digits) / power : Float(digits) * power
    return isNegative ? -value : value
  }

  private static let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
  ]
}
