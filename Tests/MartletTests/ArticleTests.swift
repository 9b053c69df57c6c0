import Foundation
import Testing

/// The apps of the articles compile, as they stand there.
@Suite struct ArticleTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  @Test(arguments: ["Martlet", "FirstApp"])
  func itsAppCompiles(_ article: String) throws {
    let path = Self.root.appending(path: "Sources/Martlet/Martlet.docc/\(article).md")
    let blocks = try String(contentsOf: path, encoding: .utf8).components(separatedBy: "```swift\n").dropFirst()
    let app = try #require(
      blocks.map { $0.components(separatedBy: "```")[0] }.first { $0.contains("@main") }, "no app in \(article)")
    let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-article-\(UUID())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let source = folder.appending(path: "App.swift")
    try Data(app.utf8).write(to: source)
    // Beside the tests lie the modules that they were built with.
    let modules = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath().deletingLastPathComponent()
      .appending(path: "Modules")
    let maps = ["CLinux", "CSQLite", "CHiredis", "CRabbitMQ"].flatMap {
      ["-Xcc", "-fmodule-map-file=\(Self.root.path)/Sources/\($0)/module.modulemap"]
    }
    let compiler = Process()
    compiler.executableURL = URL(filePath: "/usr/bin/env")
    compiler.arguments =
      ["swiftc", "-typecheck", "-swift-version", "6", "-parse-as-library", "-I", modules.path] + maps + [source.path]
    let output = Pipe()
    (compiler.standardOutput, compiler.standardError) = (output, output)
    try compiler.run()
    let said = try output.fileHandleForReading.readToEnd() ?? Data()
    compiler.waitUntilExit()
    #expect(compiler.terminationStatus == 0, "\(String(decoding: said, as: UTF8.self))")
  }
}
