import Foundation
import MartletTestKit

/// What `swift package dump-package` says.
struct Manifest: Decodable {
  struct Target: Decodable {
    let name: String
    let type: String
    let path: String?
    let dependencies: [String]

    private enum CodingKeys: CodingKey { case name, type, path, dependencies }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      name = try container.decode(String.self, forKey: .name)
      type = try container.decode(String.self, forKey: .type)
      path = try container.decodeIfPresent(String.self, forKey: .path)
      // Each is {"byName": ["MartletCore", null]}, or "target", or "product".
      let entries = try container.decode([[String: [Part]]].self, forKey: .dependencies)
      dependencies = entries.compactMap { $0.values.first?.first?.name }
    }
  }

  /// The first part of a dependency is its name; conditions follow.
  private struct Part: Decodable {
    let name: String?
    init(from decoder: any Decoder) throws { name = try? decoder.singleValueContainer().decode(String.self) }
  }

  private struct Package: Decodable {}

  let targets: [Target]
  /// How many other packages it depends on.
  let packages: [String]

  private enum CodingKeys: CodingKey { case targets, dependencies }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    targets = try container.decode([Target].self, forKey: .targets)
    packages = try container.decode([Package].self, forKey: .dependencies).map { "\($0)" }
  }

  /// Asks the package manager, with a scratch folder of its own: that of the tests is locked while they run.
  static func load() async throws -> Manifest {
    let scratch = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: scratch) }
    let process = try WorkerProcess(
      "/usr/bin/env",
      arguments: [
        "swift", "package", "--package-path", SourceTree.root, "--scratch-path", scratch, "dump-package",
      ])
    guard await process.end(until: .now + .seconds(120)) == 0 else {
      throw ConformanceFailure("swift package dump-package fails: \(process.said)")
    }
    return try JSONDecoder().decode(Manifest.self, from: Data(process.said.joined(separator: "\n").utf8))
  }
}
