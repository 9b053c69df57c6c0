/// Eight bytes looked at together.
enum JSONWord {
  static let ones: UInt64 = 0x0101_0101_0101_0101
  static let high: UInt64 = 0x8080_8080_8080_8080

  /// The high bit of the first byte that ends a run of plain text: a quote, a backslash or a control character.
  /// Bits behind that byte mean nothing.
  @inline(__always)
  static func specials(in word: UInt64) -> UInt64 {
    let quote = word ^ (ones &* 0x22)
    let backslash = word ^ (ones &* 0x5c)
    return ((quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (word &- ones &* 0x20) & ~word) & high
  }
}
