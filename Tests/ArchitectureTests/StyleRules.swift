import Foundation

/// Rules that the formatter does not know.
enum StyleRules {
  /// What may not stand in a line of code. Comments and the inside of texts are not looked at.
  static func findings(in file: SourceTree.File) -> [Finding] {
    var findings: [Finding] = []
    var isInText = false
    for (index, line) in file.lines.enumerated() {
      let wasInText = isInText
      if line.components(separatedBy: "\"\"\"").count % 2 == 0 { isInText.toggle() }
      if wasInText || isInText { continue }
      let found = problems(in: code(of: line)) + notes(in: line)
      findings += found.map { Finding(file: file.path, line: index + 1, problem: $0) }
      if needsProof(code(of: line)) && !isExplained(file.lines, at: index) {
        findings.append(
          Finding(file: file.path, line: index + 1, problem: "unchecked sharing needs a comment that proves it"))
      }
    }
    return findings
  }

  private static func problems(in code: String) -> [String] {
    var problems: [String] = []
    if code.contains("try!") { problems.append("try! ends the process without a word") }
    if code.contains("as! ") { problems.append("as! ends the process without a word") }
    if problems.isEmpty && code.contains(unwrap) { problems.append("a forced unwrap ends the process without a word") }
    return problems
  }

  private static func notes(in line: String) -> [String] {
    ["TODO", "FIXME", "XXX", "HACK"].filter { line.contains($0) }.map { "\($0): do it, or write an issue" }
  }

  /// `name!`, `)!`, `]!` where no `=` follows, and no type (`Int!`) either, which is as bad.
  nonisolated(unsafe) private static let unwrap = /[A-Za-z0-9_)\]]!(?!=)/  // immutable, and matching changes nothing

  private static func needsProof(_ code: String) -> Bool {
    code.contains("@unchecked Sendable") || code.contains("nonisolated(unsafe)")
  }

  /// Whether the line, or one of those before it up to an empty one, has a comment.
  private static func isExplained(_ lines: [String], at index: Int) -> Bool {
    var index = index
    while index >= 0, !lines[index].allSatisfy(\.isWhitespace) {
      if lines[index].contains("//") { return true }
      index -= 1
    }
    return false
  }

  /// The line without its comment and without what stands in texts.
  static func code(of line: String) -> String {
    var code = ""
    var isInText = false
    var previous: Character = " "
    for character in line {
      if character == "\"" && previous != "\\" { isInText.toggle() }
      if !isInText && previous == "/" && character == "/" { return String(code.dropLast()) }
      if !isInText || character == "\"" { code.append(character) }
      previous = previous == "\\" ? " " : character
    }
    return code
  }

  /// No file is longer than this,
  static let longest = 500
  /// and half of them are shorter than this.
  static let median = 150
}
