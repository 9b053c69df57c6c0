import Foundation
import Testing

/// The page that leads through the code names files and functions; they must be there.
struct WalkOfAMessageTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Every file that is named, with the functions that are named before the next file.
  private static func mentions() throws -> [(file: String, functions: [String])] {
    let page = root.appending(path: "Sources/Martlet/Martlet.docc/WalkOfAMessage.md")
    let text = try String(contentsOf: page, encoding: .utf8)
    var mentions: [(file: String, functions: [String])] = []
    for match in text.matches(of: #/`([A-Za-z+/]+\.swift)`|`([a-z][A-Za-z]*)`|(``)/#) {
      if let file = match.1 {
        mentions.append((String(file), []))
      } else if let function = match.2, !mentions.isEmpty {
        mentions[mentions.count - 1].functions.append(String(function))
      }
    }
    return mentions
  }

  @Test func `files and functions exist`() throws {
    let sources = FileManager.default.enumerator(
      at: Self.root.appending(path: "Sources"), includingPropertiesForKeys: nil)
    let files = try #require(sources).compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
    let notFunctions: Set = ["poll", "maxConcurrentCalls", "maxDequeueCount"]
    let mentions = try Self.mentions()
    #expect(mentions.count > 30)
    for (name, functions) in mentions {
      let candidates = files.filter { $0.path().hasSuffix("/\(name)") }
      #expect(!candidates.isEmpty, "\(name) does not exist")
      for function in functions where !notFunctions.contains(function) {
        let isThere = try candidates.contains { file in
          let text = try String(contentsOf: file, encoding: .utf8)
          return text.contains("func \(function)(") || text.contains("func \(function)<")
        }
        #expect(isThere, "\(name) has no function \(function)")
      }
    }
  }
}
