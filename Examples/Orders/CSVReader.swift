/// A line of a CSV file, or several where a quoted field holds line breaks.
struct CSVRecord: Equatable {
  /// As it stands in the file, without its end.
  let text: String
  let fields: [String]
}

/// Reads CSV as RFC 4180 describes it: quoted fields may hold commas, doubled quotes and line breaks; lines end with LF
/// or CRLF. Empty lines are left out.
struct CSVReader: Sequence, IteratorProtocol {
  private var rest: ArraySlice<UInt8>

  init(_ text: String) { self.init(Array(text.utf8)) }

  /// - Parameter bytes: UTF-8; what is not becomes U+FFFD. A byte order mark at the front is left out.
  init(_ bytes: [UInt8]) {
    rest = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes.dropFirst(3) : bytes[...]
  }

  mutating func next() -> CSVRecord? {
    rest = rest.drop { $0 == .lineFeed || $0 == .carriageReturn }
    guard !rest.isEmpty else { return nil }
    var fields: [String] = []
    var field: [UInt8] = []
    var (isQuoted, isAtStart) = (false, true)
    var position = rest.startIndex
    reading: while position < rest.endIndex {
      let byte = rest[position]
      switch byte {
      case .quote where isQuoted:
        if position + 1 < rest.endIndex, rest[position + 1] == .quote {
          field.append(.quote)
          position += 1
        } else {
          isQuoted = false
        }
      case _ where isQuoted: field.append(byte)
      case .quote where isAtStart: isQuoted = true
      case .lineFeed, .carriageReturn: break reading
      case .comma:
        fields.append(String(decoding: field, as: UTF8.self))
        field.removeAll()
      default: field.append(byte)
      }
      isAtStart = byte == .comma && !isQuoted
      position += 1
    }
    fields.append(String(decoding: field, as: UTF8.self))
    let text = String(decoding: rest[..<position], as: UTF8.self)
    rest = rest[position...]
    return CSVRecord(text: text, fields: fields)
  }
}

extension UInt8 {
  fileprivate static let lineFeed = UInt8(ascii: "\n")
  fileprivate static let carriageReturn = UInt8(ascii: "\r")
  fileprivate static let quote = UInt8(ascii: "\"")
  fileprivate static let comma = UInt8(ascii: ",")
}
