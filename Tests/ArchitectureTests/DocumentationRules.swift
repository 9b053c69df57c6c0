/// Which public declarations are without a word about them.
enum DocumentationRules {
  private static let words: Set<Substring> = [
    "struct", "class", "enum", "protocol", "actor", "func", "var", "let", "typealias", "subscript", "case",
    "associatedtype", "macro",
  ]

  /// What a type is asked for by a protocol is documented at the protocol. Initialisers take what the documented
  /// properties hold.
  static func findings(in file: SourceTree.File, _ requirements: Requirements) -> [Finding] {
    let scopes = Scope.all(in: file)
    return file.lines.enumerated().compactMap { index, line in
      let scope = scopes[index].last
      guard let (name, isPublic) = declaration(line), isPublic || scope?.kind == "protocol" && scope?.isPublic == true,
        !isDocumented(file.lines, before: index)
      else { return nil }
      if let scope, requirements.contain(name, of: scope.type) || scope.isBuilder && name.hasPrefix("build") {
        return nil
      }
      return Finding(file: file.path, line: index + 1, problem: "\(name) is public and has no documentation")
    }
  }

  /// The name that a line declares, and whether it says public; nil where it declares none, or one that needs no word.
  static func declaration(_ line: String) -> (name: String, isPublic: Bool)? {
    var parts = line.split(whereSeparator: { " ():{".contains($0) }).filter { !$0.hasPrefix("@") }
    if let comment = parts.firstIndex(where: { $0.hasPrefix("//") }) { parts.removeSubrange(comment...) }
    guard let word = parts.firstIndex(where: words.contains), !parts[..<word].contains("import") else { return nil }
    let isPublic = parts[..<word].contains("public")
    guard isPublic || parts[..<word].allSatisfy(modifiers.contains) else { return nil }
    if parts[word] == "subscript" { return ("subscript", isPublic) }
    guard parts.indices.contains(word + 1) else { return nil }
    let name = parts[word + 1]
    // "static func < (left…" is a name; "func map<A>(…" is one with its parameters.
    return (name.first?.isLetter == true ? String(name.prefix { $0 != "<" }) : String(name), isPublic)
  }

  /// What may stand before a declaration that is public by the protocol around it.
  private static let modifiers: Set<Substring> = ["static", "mutating", "borrowing", "consuming"]

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
