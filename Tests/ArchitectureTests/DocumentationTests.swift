import Testing

@Suite struct DocumentationTests {
  @Test func everyPublicDeclarationIsDocumented() {
    let requirements = Requirements(of: SourceTree.sources)
    let findings = SourceTree.sources.flatMap { DocumentationRules.findings(in: $0, requirements) }
    #expect(findings.isEmpty, "\(findings)")
  }

  @Test(arguments: [
    ("  public func run() async throws {", "run"), ("public struct Order: Sendable {", "Order"),
    ("  @inlinable public var count: Int {", "count"), ("  public static let json = A()", "json"),
    ("  public private(set) var entries: [E] = []", "entries"), ("  public func map<A>(_ a: A) {", "map"),
    ("  public init(a: Int) {", nil), ("  public static func == (l: A, r: A) -> Bool {", "=="),
    ("  public static func < (l: A, r: A) -> Bool {", "<"), ("public import struct Foundation.Date", nil),
    ("public final class Broker<A> {", "Broker"), ("public extension A {", nil),
    ("  public subscript(a: A) -> B {", "subscript"), ("  @inlinable public subscript(a: A) -> B {", "subscript"),
    ("  // public var a", nil), ("  if case .a = b { public() }", nil),
  ])
  func readsDeclarations(line: String, name: String?) {
    #expect(DocumentationRules.declaration(line)?.name == name)
    #expect(DocumentationRules.declaration(line)?.isPublic ?? true)
  }

  @Test(arguments: [
    ("/// A word.\n@inlinable\n@discardableResult\npublic func a() {}\n\npublic func b() {}", [6]),
    // What a protocol asks for is documented there, and only of those who conform.
    ("/// P.\npublic protocol P {\n  /// A.\n  func a()\n  func b()\n}", [5]),
    (
      "/// P.\nprotocol P: Q {\n  func a()\n}\nprotocol Q {\n  var b: Int { get }\n}\n"
        + "/// S.\npublic struct S: Sendable, P {\n  public func a() {}\n  public var b: Int { 1 }\n  public let c = 1\n}\n"
        + "/// T.\npublic struct T {\n  public func a() {}\n}\nextension T {\n  public func b() {}\n}", [12, 16, 19]
    ),
    ("/// S.\npublic struct S<A: B>:\n  Sendable,\n  Hashable\n{\n  public func hash(into: inout Hasher) {}\n}", []),
    (
      "/// S.\npublic struct S {\n  /// T.\n  public struct T {\n    public var description = \"\"\n  }\n}\n"
        + "extension S: CustomStringConvertible {\n  public var description: String { \"\" }\n}", [5]
    ),
    ("/// S.\n@resultBuilder\npublic enum S {\n  public static func buildBlock() {}\n  public func block() {}\n}", [5]),
  ])
  func findsWhatIsMissing(text: String, lines: [Int]) {
    let file = SourceTree.File(path: "Sources/A/A.swift", text: text)
    #expect(DocumentationRules.findings(in: file, Requirements(of: [file])).map(\.line) == lines)
  }
}
