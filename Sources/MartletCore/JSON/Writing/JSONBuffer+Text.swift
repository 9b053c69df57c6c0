extension JSONStack where Element == UInt8 {
  @inline(__always)
  mutating func append(copying source: UnsafeBufferPointer<UInt8>) {
    guard let address = source.baseAddress else { return }
    reserve(source.count).initialize(from: address, count: source.count)
    grown(by: source.count)
  }

  /// Text that needs no escapes.
  @inline(__always)
  mutating func append(plain text: StaticString) {
    append(copying: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Text that needs no escapes.
  mutating func append(plain text: String) {
    var text = text
    text.withUTF8 { append(copying: $0) }
  }

  @inline(__always)
  mutating func append(bool value: Bool) { append(plain: value ? "true" : "false") }

  /// A string with its quotes. Escaped is what JSON demands: quote, backslash and control characters; not the slash.
  @inline(__always)
  mutating func append(string: String) {
    if string.utf8.withContiguousStorageIfAvailable({ append(quoting: $0) }) == nil {
      var string = string
      string.withUTF8 { append(quoting: $0) }
    }
  }

  mutating func append(quoting text: UnsafeBufferPointer<UInt8>) {
    let count = text.count
    // No more than that where nothing is escaped; escapes make room for themselves.
    var output = reserve(count &+ 2)
    output.pointee = UInt8(ascii: "\"")
    output += 1
    if let base = text.baseAddress {
      var index = 0
      while index &+ 8 <= count {
        let word = UnsafeRawPointer(base + index).loadUnaligned(as: UInt64.self)
        if JSONWord.specials(in: word.littleEndian) != 0 { break }
        UnsafeMutableRawPointer(output + index).storeBytes(of: word, as: UInt64.self)
        index &+= 8
      }
      while index < count {
        let byte = base[index]
        if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") {
          grown(by: index &+ 1)
          appendEscaping(UnsafeBufferPointer(rebasing: text[index...]))
          return
        }
        output[index] = byte
        index &+= 1
      }
      output += count
    }
    output.pointee = UInt8(ascii: "\"")
    grown(by: count &+ 2)
  }

  /// The rest of a string from its first character to be escaped, and the closing quote.
  @inline(never)
  private mutating func appendEscaping(_ text: UnsafeBufferPointer<UInt8>) {
    var run = 0
    for (index, byte) in text.enumerated() {
      guard byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") else { continue }
      append(copying: UnsafeBufferPointer(rebasing: text[run..<index]))
      run = index + 1
      append(UInt8(ascii: "\\"))
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): append(byte)
      case 0x08: append(UInt8(ascii: "b"))
      case 0x09: append(UInt8(ascii: "t"))
      case 0x0a: append(UInt8(ascii: "n"))
      case 0x0c: append(UInt8(ascii: "f"))
      case 0x0d: append(UInt8(ascii: "r"))
      default:
        append(plain: "u00")
        append(JSONHexadecimal.small(byte >> 4))
        append(JSONHexadecimal.small(byte & 0xf))
      }
    }
    append(copying: UnsafeBufferPointer(rebasing: text[run...]))
    append(UInt8(ascii: "\""))
  }
}
