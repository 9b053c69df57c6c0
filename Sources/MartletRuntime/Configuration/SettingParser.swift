/// Reads JSON and remembers where everything stands. Comments are allowed, as in Azure's `host.json`.
struct SettingParser {
  /// The one mistake that ends the reading.
  struct SyntaxError: Error {
    let place: String
    let message: String
  }

  /// Deeper nesting is refused: the parser is recursive.
  private static let maxDepth = 64

  private let bytes: [UInt8]
  private let file: String
  private var position = 0
  private var line = 1
  private var lineStart = 0
  private var depth = 0
  /// Keys that are there twice.
  private(set) var problems: [ConfigurationError.Problem] = []

  /// - Parameters:
  ///   - text: the document; a byte order mark is skipped.
  ///   - file: its name in places.
  init(_ text: String, file: String) {
    bytes = Array(text.utf8)
    self.file = file
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) {
      position = 3
      lineStart = 3
    }
  }

  mutating func parse() throws(SyntaxError) -> Setting {
    let root = try parseValue(path: "")
    try skipSpace()
    if position < bytes.count { throw error("\(found) follows the end of the document") }
    return root
  }

  // MARK: Values

  private mutating func parseValue(path: String) throws(SyntaxError) -> Setting {
    try skipSpace()
    let place = place(path)
    switch peek ?? 0 {
    case UInt8(ascii: "{"): return Setting(.object(try parseObject(path: path)), place: place)
    case UInt8(ascii: "["): return Setting(.array(try parseArray(path: path)), place: place)
    case UInt8(ascii: "\""): return Setting(.string(try parseString()), place: place)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
      return Setting(.number(try parseNumber()), place: place)
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
      return Setting(try parseWord(), place: place)
    default: throw error("a value is missing: \(found) stands here")
    }
  }

  private mutating func parseObject(path: String) throws(SyntaxError) -> [Setting.Member] {
    try descend()
    defer { depth -= 1 }
    var members: [Setting.Member] = []
    var lines: [String: Int] = [:]
    position += 1
    try skipSpace()
    if take("}") { return [] }
    repeat {
      try skipSpace()
      guard peek == UInt8(ascii: "\"") else { throw error("a key in quotation marks is missing: \(found) stands here") }
      let keyLine = line
      let keyPosition = position
      let name = try parseString()
      let keyPath = path.isEmpty ? name : "\(path).\(name)"
      if let first = lines.updateValue(keyLine, forKey: name.lowercased()) {
        let column = column(of: keyPosition)
        problems.append(
          .init(
            "\(file):\(keyLine):\(column) \(Setting.printable(keyPath))",
            "the key is there twice; first in line \(first)"))
      }
      try skipSpace()
      guard take(":") else { throw error("\":\" is missing behind the key \"\(Setting.printable(name))\"") }
      members.append(Setting.Member(name: name, setting: try parseValue(path: keyPath)))
      try skipSpace()
    } while take(",")
    guard take("}") else { throw error("\",\" or \"}\" is missing: \(found) stands here") }
    return members
  }

  private mutating func parseArray(path: String) throws(SyntaxError) -> [Setting] {
    try descend()
    defer { depth -= 1 }
    var elements: [Setting] = []
    position += 1
    try skipSpace()
    if take("]") { return [] }
    repeat {
      elements.append(try parseValue(path: "\(path)[\(elements.count)]"))
      try skipSpace()
    } while take(",")
    guard take("]") else { throw error("\",\" or \"]\" is missing: \(found) stands here") }
    return elements
  }

  private mutating func parseString() throws(SyntaxError) -> String {
    position += 1
    var text: [UInt8] = []
    while let byte = peek {
      switch byte {
      case UInt8(ascii: "\""):
        position += 1
        return String(decoding: text, as: UTF8.self)
      case UInt8(ascii: "\\"): text += Array(String(try parseEscape()).utf8)
      case 0..<0x20: throw error("the string is not closed on its line")
      default:
        text.append(byte)
        position += 1
      }
    }
    throw error("the string is not closed")
  }

  private mutating func parseEscape() throws(SyntaxError) -> Unicode.Scalar {
    let start = position
    position += 2
    switch start + 1 < bytes.count ? bytes[start + 1] : 0 {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      guard let unit = parseHex() else { break }
      if let scalar = Unicode.Scalar(unit) { return scalar }
      // The first half of a surrogate pair; the second must follow.
      if unit < 0xdc00, take("\\"), take("u"), let low = parseHex(), (0xdc00...0xdfff).contains(low),
        let scalar = Unicode.Scalar(0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00))
      {
        return scalar
      }
    default: break
    }
    position = start
    throw error("the escape sequence is not valid JSON")
  }

  private mutating func parseHex() -> UInt32? {
    guard position + 4 <= bytes.count else { return nil }
    let digits = bytes[position..<position + 4]
    guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
    position += 4
    return UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
  }

  private mutating func parseNumber() throws(SyntaxError) -> String {
    let start = position
    _ = take("-")
    let whole = skipDigits()
    let hasLeadingZero = whole > 1 && bytes[position - whole] == UInt8(ascii: "0")
    var isValid = whole > 0 && !hasLeadingZero
    if take(".") { isValid = skipDigits() > 0 && isValid }
    if take("e") || take("E") {
      _ = take("+") || take("-")
      isValid = skipDigits() > 0 && isValid
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    guard isValid else {
      position = start
      throw error("\"\(Setting.printable(text))\" is not a JSON number")
    }
    return text
  }

  private mutating func skipDigits() -> Int {
    let start = position
    while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    return position - start
  }

  private mutating func parseWord() throws(SyntaxError) -> Setting.Value {
    let end = bytes[position...].firstIndex { !Character(Unicode.Scalar($0)).isLetter } ?? bytes.count
    let word = String(decoding: bytes[position..<end], as: UTF8.self)
    switch word {
    case "true":
      position = end
      return .bool(true)
    case "false":
      position = end
      return .bool(false)
    case "null":
      position = end
      return .null
    default: throw error("\(Setting.printable(word)) is not a JSON value; text stands in quotation marks")
    }
  }

  // MARK: Bytes

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard peek == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() throws(SyntaxError) {
    while let byte = peek {
      switch byte {
      case UInt8(ascii: "\n"):
        line += 1
        lineStart = position + 1
      case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): break
      case UInt8(ascii: "/"):
        try skipComment()
        continue
      default: return
      }
      position += 1
    }
  }

  private mutating func skipComment() throws(SyntaxError) {
    switch position + 1 < bytes.count ? bytes[position + 1] : 0 {
    case UInt8(ascii: "/"): position = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
    case UInt8(ascii: "*"):
      let start = error("the comment is not closed")
      position += 2
      while position + 1 < bytes.count {
        if bytes[position] == UInt8(ascii: "*"), bytes[position + 1] == UInt8(ascii: "/") {
          position += 2
          return
        }
        if bytes[position] == UInt8(ascii: "\n") {
          line += 1
          lineStart = position + 1
        }
        position += 1
      }
      throw start
    default: throw error("\"/\" stands where a value or a comment begins")
    }
  }

  private mutating func descend() throws(SyntaxError) {
    depth += 1
    if depth > Self.maxDepth { throw error("more than \(Self.maxDepth) levels are nested") }
  }

  // MARK: Places

  /// Characters, not bytes: what an editor shows.
  private func column(of position: Int) -> Int {
    bytes[lineStart..<position].reduce(1) { $0 + ($1 & 0xc0 == 0x80 ? 0 : 1) }
  }

  private func place(_ path: String) -> String {
    let position = "\(file):\(line):\(column(of: position))"
    return path.isEmpty ? position : "\(position) \(Setting.printable(path))"
  }

  /// What stands at the position, for messages.
  private var found: String {
    guard position < bytes.count else { return "the end of the file" }
    let rest = String(decoding: bytes[position..<min(position + 4, bytes.count)], as: UTF8.self)
    return rest.first.map { "\"\(Setting.printable(String($0)))\"" } ?? "nothing"
  }

  private func error(_ message: String) -> SyntaxError { SyntaxError(place: place(""), message: message) }
}
