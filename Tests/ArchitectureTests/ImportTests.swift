import Foundation
import Testing

@Suite struct ImportTests {
  @Test func everyFileKeepsToTheTable() {
    #expect(!SourceTree.sources.isEmpty)
    let findings = SourceTree.sources.flatMap(ImportTable.findings)
    #expect(findings.isEmpty, "\(findings)")
  }

  @Test(arguments: [
    ("import MartletCore", "MartletCore"), ("public import struct Foundation.Date", "Foundation"),
    ("@_exported import MartletRuntime", "MartletRuntime"), ("  import class Foundation.NSLock", "Foundation"),
    ("@preconcurrency public import CSQLite // why", "CSQLite"), ("// import MartletCore", nil),
    ("let important = 1", nil), ("@testable import Martlet", "Martlet"), ("", nil),
  ])
  func readsImports(line: String, module: String?) {
    #expect(ImportTable.imported(by: line) == module)
  }

  @Test func findsWhatIsForbidden() {
    let file = SourceTree.File(path: "Sources/MartletRedis/A.swift", text: "import CHiredis\nimport MartletRuntime\n")
    #expect(ImportTable.findings(in: file).map(\.line) == [2])
    let stranger = SourceTree.File(path: "Sources/MartletKafka/A.swift", text: "")
    #expect(ImportTable.findings(in: stranger).count == 1)
  }

  /// A dependency that is declared can be imported by mistake, and one of a dependency's can be used without being
  /// imported, so the manifest keeps to the same table.
  @Test func thePackageKeepsToTheTable() async throws {
    let manifest = try await Manifest.load()
    for target in manifest.targets where target.path == nil && target.type != "system" && target.type != "test" {
      guard target.name != "CBaseline" else { continue }
      let allowed = try #require(ImportTable.table[target.name], "\(target.name) is not in the import table")
      let forbidden = Set(target.dependencies).subtracting(allowed)
      #expect(forbidden.isEmpty, "\(target.name) may not depend on \(forbidden)")
    }
    let targets = Set(manifest.targets.map(\.name))
    #expect(targets.isSuperset(of: ImportTable.table.keys), "the table names modules that do not exist")
    #expect(manifest.packages.isEmpty, "Martlet depends on no other package: \(manifest.packages)")
  }
}
