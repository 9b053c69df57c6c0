extension FixedWidthInteger {
  /// Reads lower-case hexadecimal digits; nil for anything else.
  init?(hex digits: some Collection<UInt8>) {
    var value: Self = 0
    for digit in digits {
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | Self(digit - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | Self(digit - UInt8(ascii: "a") + 10)
      default: return nil
      }
    }
    self = value
  }

  /// Writes lower-case hexadecimal digits with leading zeros.
  func writeHex(to text: UnsafeMutableBufferPointer<UInt8>, at start: Int, digits: Int) {
    var rest = self
    for position in stride(from: start + digits - 1, through: start, by: -1) {
      let digit = UInt8(truncatingIfNeeded: rest) & 0xf
      text[position] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
      rest >>= 4
    }
  }

  /// Lower-case hexadecimal digits with leading zeros.
  func hexText(digits: Int) -> String {
    String(unsafeUninitializedCapacity: digits) {
      writeHex(to: $0, at: 0, digits: digits)
      return digits
    }
  }
}
