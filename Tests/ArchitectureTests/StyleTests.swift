import Testing

@Suite struct StyleTests {
  @Test func nothingEndsTheProcessWithoutAWord() {
    let findings = SourceTree.sources.flatMap(StyleRules.findings)
    #expect(findings.isEmpty, "\(findings)")
  }

  @Test func filesAreShort() {
    let files = SourceTree.sources + SourceTree.swiftFiles(below: "Tests", "Examples")
    let long = files.filter { $0.lines.count > StyleRules.longest }
    #expect(long.isEmpty, "more than \(StyleRules.longest) lines: \(long)")
    let lengths = SourceTree.sources.map(\.lines.count).sorted()
    #expect(lengths[lengths.count / 2] < StyleRules.median)
  }

  @Test(arguments: [
    ("let a = try! f()", 1), ("let a = b!", 1), ("f()!.g()", 1), ("a[0]! + 1", 1), ("if a != b {}", 0), ("!a && !b", 0),
    ("let a = \"Stop!\"", 0), ("// try! this!", 0), ("let a = b as! C", 1), ("// TODO: later", 1), ("let x: Int!", 1),
    ("final class A: @unchecked Sendable {", 1), ("final class A: @unchecked Sendable {  // holds the lock", 0),
    ("let a = \"x // y\" + b!", 1), ("print(\"a\\\"b!\")", 0),
  ])
  func findsWhatIsForbidden(line: String, count: Int) {
    let file = SourceTree.File(path: "Sources/A/A.swift", text: "\n" + line + "\n")
    #expect(StyleRules.findings(in: file).count == count)
  }
}
