import Foundation

@testable import MartletRuntime

/// A directory with a `host.json`, and what is read there.
struct ConfigurationFixture {
  let directory: URL

  init(_ file: String? = nil) throws { try self.init(data: file.map { Data($0.utf8) }) }

  init(data: Data?) throws {
    directory = FileManager.default.temporaryDirectory.appending(path: "martlet-config-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    try data?.write(to: directory.appending(path: "host.json"))
  }

  /// A file beside `host.json`; its path.
  func write(_ name: String, _ text: String) throws -> String {
    let file = directory.appending(path: name)
    try Data(text.utf8).write(to: file)
    return file.path()
  }

  func read(_ arguments: [String] = [], _ environment: [String: String] = [:]) -> HostConfiguration {
    HostConfiguration.read(arguments: arguments, environment: environment, directory: directory.path())
  }

  func remove() { try? FileManager.default.removeItem(at: directory) }

  /// Reads once and cleans up.
  static func read(
    _ file: String? = nil, arguments: [String] = [], environment: [String: String] = [:]
  ) throws -> HostConfiguration {
    let fixture = try ConfigurationFixture(file)
    defer { fixture.remove() }
    return fixture.read(arguments, environment)
  }
}
