import Foundation

// Foundation takes a microsecond to read a UUID and another to write one, and messages are full of them.

extension UUID {
  /// The places of the digits of each byte in the text.
  private static let places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]
  private static let hyphens = [8, 13, 18, 23]

  /// Reads the usual form of 36 characters; nil for anything else.
  init?(hyphenated text: UnsafeBufferPointer<UInt8>) {
    guard text.count == 36, Self.hyphens.allSatisfy({ text[$0] == UInt8(ascii: "-") }) else { return nil }
    var bytes: uuid_t = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    var isValid = true
    withUnsafeMutableBytes(of: &bytes) { bytes in
      for (index, place) in Self.places.enumerated() {
        guard let high = JSONHexadecimal.value(text[place]), let low = JSONHexadecimal.value(text[place + 1]) else {
          isValid = false
          return
        }
        bytes[index] = high << 4 | low
      }
    }
    guard isValid else { return nil }
    self.init(uuid: bytes)
  }
}

extension JSONStack where Element == UInt8 {
  /// With its quotes and in capitals, as Foundation writes it.
  mutating func append(uuid: UUID) {
    append(UInt8(ascii: "\""))
    withUnsafeBytes(of: uuid.uuid) { bytes in
      for (index, byte) in bytes.enumerated() {
        if index == 4 || index == 6 || index == 8 || index == 10 { append(UInt8(ascii: "-")) }
        append(JSONHexadecimal.capital(byte >> 4))
        append(JSONHexadecimal.capital(byte & 0xf))
      }
    }
    append(UInt8(ascii: "\""))
  }
}

enum JSONHexadecimal {
  /// The value of a digit, large or small.
  @inline(__always)
  static func value(_ digit: UInt8) -> UInt8? {
    let decimal = digit &- UInt8(ascii: "0")
    if decimal < 10 { return decimal }
    let letter = (digit | 0x20) &- UInt8(ascii: "a")
    return letter < 6 ? letter &+ 10 : nil
  }

  @inline(__always)
  static func capital(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") &+ value : UInt8(ascii: "A") &+ value &- 10
  }

  @inline(__always)
  static func small(_ value: UInt8) -> UInt8 { capital(value) | 0x20 }
}
