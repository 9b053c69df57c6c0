extension JSONScanner {
  struct Text {
    var start: Int
    var length: Int
    var flags: JSONToken.Flags
  }

  /// Scans a string, eight bytes at a time up to the first that is special. `position` is at the opening quote.
  @inline(__always)
  mutating func scanString() throws(JSONSyntaxError) -> Text {
    let start = position + 1
    var index = start
    var seen: UInt64 = 0
    while index &+ 8 <= end {
      let word = UnsafeRawPointer(base + index).loadUnaligned(as: UInt64.self).littleEndian
      let special = JSONWord.specials(in: word)
      if special == 0 {
        seen |= word
        index &+= 8
        continue
      }
      let bytes = special.trailingZeroBitCount & ~7
      seen |= word & ((1 &<< UInt64(bytes)) &- 1)
      index &+= bytes &>> 3
      break
    }
    while index < end {
      let byte = base[index]
      if byte == UInt8(ascii: "\"") {
        position = index &+ 1
        return Text(start: start, length: index &- start, flags: seen & JSONWord.high == 0 ? [] : .unicode)
      }
      if byte == UInt8(ascii: "\\") || byte < 0x20 { return try scanEscapedString(from: start, at: index) }
      seen |= UInt64(byte)
      index &+= 1
    }
    throw JSONSyntaxError(reason: .ends, offset: end)
  }

  /// Finds the end of a string with escapes; whether they are valid is found by who reads it.
  @inline(never)
  private mutating func scanEscapedString(from start: Int, at first: Int) throws(JSONSyntaxError) -> Text {
    var index = first
    while index < end {
      let byte = base[index]
      index += 1
      if byte == UInt8(ascii: "\"") {
        position = index
        return Text(start: start, length: index - 1 - start, flags: [.escaped, .unicode])
      }
      guard byte == UInt8(ascii: "\\") else { continue }
      guard index < end else { break }
      let isHexadecimal = base[index] == UInt8(ascii: "u")
      index += 1
      guard isHexadecimal else { continue }
      guard end - index >= 4 else { break }
      for digit in index..<index + 4 where base[digit] == UInt8(ascii: "\"") {
        throw JSONSyntaxError(reason: .badEscape, offset: digit)
      }
      index += 4
    }
    throw JSONSyntaxError(reason: .ends, offset: end)
  }

  /// Skips everything that a number is made of.
  @inline(__always)
  mutating func skipNumber() {
    position &+= 1
    while position < end {
      switch base[position] {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "+"),
        UInt8(ascii: "e"), UInt8(ascii: "E"):
        position &+= 1
      default:
        return
      }
    }
  }

  @inline(__always)
  mutating func skipSpace() {
    while position < end {
      switch base[position] {
      case 0x20, 0x0a, 0x0d, 0x09: position &+= 1
      default: return
      }
    }
  }

  mutating func skip(_ word: StaticString) throws(JSONSyntaxError) {
    for index in 0..<word.utf8CodeUnitCount {
      guard position < end else { throw JSONSyntaxError(reason: .ends, offset: end) }
      guard base[position] == word.utf8Start[index] else { throw unexpected("in true, false or null") }
      position += 1
    }
  }

  func unexpected(_ place: StaticString) -> JSONSyntaxError {
    JSONSyntaxError(reason: .unexpected(base[position], place: place), offset: position)
  }
}
