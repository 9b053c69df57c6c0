/// What protocols ask for, and which types of the sources conform to them: what a requirement means is documented at
/// the protocol.
struct Requirements {
  /// What the library's protocols ask for.
  private static let library: [String: Set<String>] = [
    "Collection": ["startIndex", "endIndex", "subscript"], "Comparable": ["<"],
    "CustomStringConvertible": ["description"],
    "Decoder": ["codingPath", "userInfo", "container", "unkeyedContainer", "singleValueContainer"],
    "Encodable": ["encode"],
    "Encoder": ["codingPath", "userInfo", "container", "unkeyedContainer", "singleValueContainer"],
    "Equatable": ["=="], "Hashable": ["hash"], "IteratorProtocol": ["next"],
    "Sequence": ["makeIterator", "underestimatedCount", "withContiguousStorageIfAvailable"],
  ]
  private static let libraryParents: [String: Set<String>] = [
    "BidirectionalCollection": ["Collection"], "Codable": ["Encodable", "Decodable"], "Collection": ["Sequence"],
    "Hashable": ["Equatable"], "RandomAccessCollection": ["BidirectionalCollection"],
  ]

  /// By protocol.
  private var names = library
  /// By type or protocol: what it conforms to in so many words.
  private var parents = libraryParents

  init(of files: [SourceTree.File]) {
    for file in files {
      for (index, scopes) in Scope.all(in: file).enumerated() {
        guard let scope = scopes.last else { continue }
        parents[scope.type, default: []].formUnion(scope.parents)
        if scope.kind == "protocol", let name = DocumentationRules.declaration(file.lines[index])?.name {
          names[scope.type, default: []].insert(name)
        }
      }
    }
  }

  /// Whether a protocol that a type conforms to asks for this name.
  func contain(_ name: String, of type: String) -> Bool {
    var (open, seen): ([String], Set<String>) = ([type], [])
    while let next = open.popLast() {
      guard seen.insert(next).inserted else { continue }
      if names[next]?.contains(name) == true && next != type { return true }
      open += parents[next] ?? []
    }
    return false
  }
}

/// A type, protocol or extension around a line.
struct Scope {
  let kind: String
  /// As it is written, behind the types around it: `DeadLetterReason.Code`.
  let type: String
  let parents: Set<String>
  /// Whether it gives builder functions to the compiler, which calls them by fixed names.
  let isBuilder: Bool
  let isPublic: Bool
  private let indent: Int

  /// The scopes around each line, the innermost last. The formatter's indentation says where one ends.
  static func all(in file: SourceTree.File) -> [[Scope]] {
    var stack: [Scope] = []
    return file.lines.indices.map { index in
      let line = file.lines[index]
      guard let first = line.firstIndex(where: { $0 != " " }) else { return stack }
      let indent = line.distance(from: line.startIndex, to: first)
      // A bracket, and what stands before the brace of a long header, are as far out as the scope itself.
      if !"{)}#".contains(line[first]) { stack.removeAll { $0.indent >= indent } }
      let around = stack
      if let scope = Scope(file.lines, at: index, indent: indent, in: stack.last) { stack.append(scope) }
      return around
    }
  }

  private static let kinds: Set<Substring> = ["struct", "class", "enum", "actor", "protocol", "extension"]

  private init?(_ lines: [String], at index: Int, indent: Int, in outer: Scope?) {
    let parts = lines[index].split(separator: " ", maxSplits: 8)
    guard let word = parts.prefix(7).firstIndex(where: Self.kinds.contains), parts.indices.contains(word + 1),
      parts[word + 1].first?.isUppercase == true, !parts[..<word].contains(where: { $0.hasPrefix("//") })
    else { return nil }
    let name = parts[word + 1].prefix { $0.isLetter || $0.isNumber || "._".contains($0) }
    (kind, self.indent) = (String(parts[word]), indent)
    type = (outer.map { "\($0.type)." } ?? "") + name
    var header = String(lines[index][name.endIndex...])
    for line in lines[(index + 1)...].prefix(4) where !header.contains("{") { header += " " + line }
    header = String(header.prefix { $0 != "{" }).replacing(/<[^{>]*>|\bwhere\b.*/, with: "")
    let colon = header.firstIndex(of: ":")
    parents =
      colon.map { colon in
        Set(
          header[header.index(after: colon)...].split(whereSeparator: { ", &".contains($0) }).map { parent in
            // A name may say its module: "MartletCore.Store".
            String(parent).replacing(/^Martlet[A-Za-z]*\./, with: "")
          })
      } ?? []
    isPublic = parts[..<word].contains("public")
    isBuilder = index > 0 && lines[index - 1].hasSuffix("@resultBuilder")
  }
}
