import Foundation

/// The sources as these tests read them.
enum SourceTree {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().path

  struct File: Sendable, CustomStringConvertible {
    /// From the root of the package.
    let path: String
    let lines: [String]
    /// `Sources/MODULE/…`
    var module: String { String(path.split(separator: "/")[1]) }
    var description: String { path }

    init(path: String, text: String) {
      self.path = path
      var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
      if lines.last == "" { lines.removeLast() }
      self.lines = lines
    }
  }

  /// All Swift files below a folder of the package; none of what a build leaves there.
  static func swiftFiles(below folders: String...) -> [File] {
    folders.flatMap { folder -> [File] in
      let names = FileManager.default.enumerator(atPath: "\(root)/\(folder)")?.compactMap { $0 as? String } ?? []
      return names.filter { $0.hasSuffix(".swift") && !$0.contains(".build/") }.sorted().compactMap { name in
        let path = "\(folder)/\(name)"
        guard let text = try? String(contentsOfFile: "\(root)/\(path)", encoding: .utf8) else { return nil }
        return File(path: path, text: text)
      }
    }
  }

  static let sources = swiftFiles(below: "Sources")
}

/// Something that a rule forbids.
struct Finding: CustomStringConvertible {
  let file: String
  /// From 1; nil where it is the whole file.
  let line: Int?
  let problem: String

  var description: String { "\(file)\(line.map { ":\($0)" } ?? ""): \(problem)" }
}
