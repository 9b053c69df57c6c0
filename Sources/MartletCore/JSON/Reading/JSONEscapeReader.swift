/// Reads the inside of a string that has escapes.
struct JSONEscapeReader {
  private let bytes: UnsafeBufferPointer<UInt8>
  /// Where the bytes are in the document.
  private let offset: Int
  private var position = 0

  init(bytes: UnsafeBufferPointer<UInt8>, offset: Int) {
    self.bytes = bytes
    self.offset = offset
  }

  /// Writes the UTF-8 of the string and returns how long it is: never longer than what was read.
  mutating func read(into output: UnsafeMutableBufferPointer<UInt8>) throws(JSONSyntaxError) -> Int {
    var count = 0
    while position < bytes.count {
      let byte = bytes[position]
      guard byte >= 0x20 else { throw error(.controlCharacter(byte)) }
      position += 1
      if byte != UInt8(ascii: "\\") {
        output[count] = byte
        count += 1
        continue
      }
      for unit in UTF8.encode(try readEscape()).unsafelyUnwrapped {
        output[count] = unit
        count += 1
      }
    }
    return count
  }

  /// `position` is behind the backslash, afterwards behind the escape.
  private mutating func readEscape() throws(JSONSyntaxError) -> Unicode.Scalar {
    guard position < bytes.count else { throw error(.badEscape) }
    defer { position += 1 }
    switch bytes[position] {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): return try readScalar()
    default: throw error(.badEscape)
    }
  }

  /// `position` is at the u, afterwards at the last digit.
  private mutating func readScalar() throws(JSONSyntaxError) -> Unicode.Scalar {
    let start = position
    let first = try readUnit()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard UTF16.isLeadSurrogate(first), position + 2 < bytes.count, bytes[position + 1] == UInt8(ascii: "\\"),
      bytes[position + 2] == UInt8(ascii: "u")
    else { throw JSONSyntaxError(reason: .loneSurrogate, offset: offset + start) }
    position += 2
    let second = try readUnit()
    guard UTF16.isTrailSurrogate(second),
      let scalar = Unicode.Scalar(0x1_0000 + (UInt32(first & 0x3ff) << 10 | UInt32(second & 0x3ff)))
    else { throw JSONSyntaxError(reason: .loneSurrogate, offset: offset + start) }
    return scalar
  }

  private mutating func readUnit() throws(JSONSyntaxError) -> UInt16 {
    var unit: UInt16 = 0
    for _ in 0..<4 {
      position += 1
      guard position < bytes.count, let digit = JSONHexadecimal.value(bytes[position]) else { throw error(.badEscape) }
      unit = unit << 4 | UInt16(digit)
    }
    return unit
  }

  private func error(_ reason: JSONSyntaxError.Reason) -> JSONSyntaxError {
    JSONSyntaxError(reason: reason, offset: offset + position)
  }
}
