/// Why bytes are not a JSON document, and where.
struct JSONSyntaxError: Error {
  var reason: Reason
  /// Counted from the first byte of the text.
  var offset: Int

  enum Reason {
    case empty
    case ends
    case tooLarge
    case tooDeep
    case unexpected(UInt8, place: StaticString)
    case notText
    case badEscape
    case loneSurrogate
    case controlCharacter(UInt8)
    case badNumber
    case unrepresentable(String)
  }

  static let maxBytes = 1 << 30
  static let maxDepth = 512
}

extension JSONSyntaxError {
  /// The sentence that ends up with the dead letter.
  func text(in document: UnsafeRawBufferPointer) -> String {
    switch reason {
    case .empty: return "The body is empty; a JSON document has at least one value."
    case .tooLarge: return "The body is larger than \(Self.maxBytes) bytes, the most that a JSON document may have."
    case .unrepresentable(let literal): return "The number \(literal) does not fit the type \(place(in: document))."
    case .ends: return "The JSON document ends before its value is complete \(place(in: document))."
    case .tooDeep: return "Arrays and objects are nested deeper than \(Self.maxDepth) levels \(place(in: document))."
    case .unexpected(let byte, let context):
      return "Not JSON: unexpected \(name(of: byte)) \(context) \(place(in: document))."
    case .notText: return "Not JSON: the bytes of a string are not UTF-8 \(place(in: document))."
    case .badEscape: return "Not JSON: an invalid escape in a string \(place(in: document))."
    case .loneSurrogate: return "Not JSON: half of a surrogate pair in a string \(place(in: document))."
    case .controlCharacter(let byte):
      return "Not JSON: \(name(of: byte)) must be escaped in a string \(place(in: document))."
    case .badNumber: return "Not JSON: an invalid number \(place(in: document))."
    }
  }

  private func name(of byte: UInt8) -> String {
    if byte > 0x20, byte < 0x7f { return "'\(Character(Unicode.Scalar(byte)))'" }
    let digits = String(byte, radix: 16, uppercase: true)
    return "byte 0x\(digits.count < 2 ? "0" : "")\(digits)"
  }

  /// "at byte 12 (line 2, column 3)"; bytes count from 0, lines and columns from 1, a column is a byte.
  private func place(in document: UnsafeRawBufferPointer) -> String {
    var line = 1
    var lineStart = 0
    for index in 0..<min(offset, document.count) where document[index] == UInt8(ascii: "\n") {
      line += 1
      lineStart = index + 1
    }
    return "at byte \(offset) (line \(line), column \(offset - lineStart + 1))"
  }
}
