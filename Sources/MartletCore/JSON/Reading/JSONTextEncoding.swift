import Foundation

/// UTF-16 and UTF-32 documents, and byte order marks, as Foundation knows them.
enum JSONTextEncoding {
  /// The document in UTF-8 without a mark; almost always the very same bytes.
  static func utf8(of bytes: Bytes) throws -> Bytes {
    let (encoding, mark) = bytes.withUnsafeBytes { detect($0) }
    guard let encoding else { return mark == 0 ? bytes : bytes[mark..<bytes.count] }
    guard let text = String(bytes: bytes[mark..<bytes.count], encoding: encoding) else {
      throw DecodingError.dataCorrupted(
        DecodingError.Context(codingPath: [], debugDescription: "Not JSON: the body is not valid \(encoding)."))
    }
    return Bytes(text)
  }

  /// The encoding, nil for UTF-8, and the length of the mark. A JSON text begins with ASCII, so that where the zeros
  /// are in its first bytes tells the encoding.
  private static func detect(_ bytes: UnsafeRawBufferPointer) -> (encoding: String.Encoding?, mark: Int) {
    let first = bytes[0]
    // The first byte of nearly every document.
    if first != 0, first < 0x80, bytes.count < 2 || bytes[1] != 0 { return (nil, 0) }
    let second = bytes.count > 1 ? bytes[1] : nil
    let third = bytes.count > 2 ? bytes[2] : nil
    let fourth = bytes.count > 3 ? bytes[3] : nil
    switch (first, second, third, fourth) {
    case (0, 0, 0xfe, 0xff): return (.utf32BigEndian, 4)
    case (0xfe, 0xff, 0, 0): return (.utf32LittleEndian, 4)
    case (0xfe, 0xff, _, _): return (.utf16BigEndian, 2)
    case (0xff, 0xfe, _, _): return (.utf16LittleEndian, 2)
    case (0xef, 0xbb, 0xbf, _): return (nil, 3)
    case (0, 0, 0, .some(1...)): return (.utf32BigEndian, 0)
    case (1..., 0, 0, 0): return (.utf32LittleEndian, 0)
    case (0, .some(1...), 0, .some(1...)), (0, .some(1...), nil, nil): return (.utf16BigEndian, 0)
    case (1..., 0, .some(1...), 0), (1..., 0, nil, nil): return (.utf16LittleEndian, 0)
    default: return (nil, 0)
    }
  }
}
