import Testing

@Suite struct DocumentationTests {
  @Test func everyPublicDeclarationIsDocumented() {
    let findings = SourceTree.sources.flatMap(DocumentationRules.findings)
    #expect(findings.isEmpty, "\(findings)")
  }

  @Test(arguments: [
    ("  public func run() async throws {", "run"), ("public struct Order: Sendable {", "Order"),
    ("  @inlinable public var count: Int {", "count"), ("  public static let json = A()", "json"),
    ("  public private(set) var entries: [E] = []", "entries"), ("  func run() {", nil),
    ("  public init(a: Int) {", nil),
    ("  public var description: String {", nil), ("  public static func == (l: A, r: A) -> Bool {", nil),
    ("  public static func < (l: A, r: A) -> Bool {", nil), ("public import struct Foundation.Date", nil),
    ("public final class Broker<A> {", "Broker"), ("public extension A {", nil),
    ("  public subscript(a: A) -> B {", "subscript"),
  ])
  func readsDeclarations(line: String, name: String?) {
    #expect(DocumentationRules.publicDeclaration(line).map(String.init) == name)
  }

  @Test func seesDocumentationBehindAttributes() {
    let text = "/// A word.\n@inlinable\n@discardableResult\npublic func a() {}\n\npublic func b() {}\n"
    let file = SourceTree.File(path: "Sources/A/A.swift", text: text)
    #expect(DocumentationRules.findings(in: file).map(\.line) == [6])
  }
}
