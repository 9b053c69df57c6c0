/// Which public declarations are without a word about them.
enum DocumentationRules {
  private static let words: Set<Substring> = [
    "struct", "class", "enum", "protocol", "actor", "func", "var", "let", "typealias", "subscript", "case",
    "associatedtype", "macro",
  ]

  /// What a protocol of this package or of the library asks for is documented there. Initialisers take what the
  /// documented properties hold.
  private static let documentedElsewhere: Set<Substring> = [
    // Broker, BrokerAdministration
    "system", "commitDomain", "start", "declare", "consume", "publish", "close", "counts", "deadLetters", "delete",
    // EventLog, Store, EventHandler, PartitionReader
    "position", "read", "bounds", "trim", "storeDomain", "attend", "leave", "records", "claim", "release", "commit",
    "values", "move", "groups", "receive", "report", "grant",
    // Collection, Hashable, Comparable, Codable, CustomStringConvertible, result builders
    "startIndex", "endIndex", "withContiguousStorageIfAvailable", "==", "<", "hash", "encode", "description",
    "buildExpression", "buildBlock", "buildOptional", "buildEither", "buildArray", "buildPartialBlock",
    "buildFinalResult", "buildLimitedAvailability",
  ]

  static func findings(in file: SourceTree.File) -> [Finding] {
    file.lines.enumerated().compactMap { index, line in
      guard let name = publicDeclaration(line), !isDocumented(file.lines, before: index) else { return nil }
      return Finding(file: file.path, line: index + 1, problem: "\(name) is public and has no documentation")
    }
  }

  /// The name that a line declares as public; nil where it declares none, or one that needs no word here.
  static func publicDeclaration(_ line: String) -> Substring? {
    var parts = line.split(whereSeparator: { " (:<{".contains($0) })
    guard let access = parts.firstIndex(of: "public"), parts[..<access].allSatisfy({ $0.hasPrefix("@") }) else {
      return nil
    }
    parts.removeFirst(access + 1)
    if parts.first == "import" || parts.first == "extension" { return nil }
    guard let word = parts.firstIndex(where: words.contains) else { return nil }
    let kind = parts[word]
    if kind == "subscript" { return line.contains("subscript(position: Int)") ? nil : kind }
    // "static func < (left…": the name was split away.
    guard parts.indices.contains(word + 1), line.contains("func <") == false else { return nil }
    let name = parts[word + 1]
    return documentedElsewhere.contains(name) ? nil : name
  }

  private static func isDocumented(_ lines: [String], before index: Int) -> Bool {
    var index = index - 1
    while index >= 0 {
      let line = lines[index].drop(while: \.isWhitespace)
      if line.hasPrefix("///") { return true }
      // Attributes and conditions stand between a declaration and its words.
      guard line.hasPrefix("@") || line.hasPrefix("#") else { return false }
      index -= 1
    }
    return false
  }
}
