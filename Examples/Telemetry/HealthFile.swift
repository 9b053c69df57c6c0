import Foundation

/// Tells others on the same machine that a process is alive: it touches a file again and again.
struct HealthFile: Sendable {
  let path: String
  /// So old it may be.
  static let patience: TimeInterval = 10

  /// - Throws: what the file system says.
  func touch() throws {
    try Data("\(getpid())\n".utf8).write(to: URL(filePath: path))
  }

  /// - Throws: `Ill` where the file is missing or old.
  func check() throws {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    guard let touched = attributes?[.modificationDate] as? Date else { throw Ill("\(path) does not exist") }
    let age = -touched.timeIntervalSinceNow
    guard age < Self.patience else { throw Ill("\(path) was touched \(Int(age)) s ago") }
  }

  struct Ill: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
  }
}
