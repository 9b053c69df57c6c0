import Foundation

/// Commands from outside, by `redis-cli`.
struct RedisCommand: Sendable {
  let url: String

  /// Runs one command; the answer is what `redis-cli` prints without a terminal, lines joined by blanks.
  @discardableResult
  func callAsFunction(_ words: String...) throws -> String { try run(words).joined(separator: " ") }

  /// The same, line by line.
  func lines(_ words: String...) throws -> [String] { try run(words) }

  @discardableResult
  func run(_ words: [String]) throws -> [String] {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/redis-cli")
    process.arguments = ["-u", url] + words
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return text.split(separator: "\n").map { String($0) }
  }
}
