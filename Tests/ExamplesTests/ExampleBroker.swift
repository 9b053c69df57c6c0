import Foundation
import TestServers
import Testing

/// A broker to run an example on.
enum ExampleBroker: String, CaseIterable, CustomTestStringConvertible {
  case embedded, redis, rabbitMQ

  /// Lends the URL of a folder of its own, or of a server of this test run.
  func withURL(_ body: (String) async throws -> Void) async throws {
    switch self {
    case .redis: try await body(SharedServer.redisURL())
    case .rabbitMQ: try await body(SharedServer.rabbitMQURL())
    case .embedded:
      let folder = FileManager.default.temporaryDirectory.path + "/martlet-example-\(UUID())"
      defer { try? FileManager.default.removeItem(atPath: folder) }
      try await body("embedded:\(folder)")
    }
  }

  /// Lends the URL of a folder or server of its own, where nothing else runs.
  func withOwnURL(_ body: (String) async throws -> Void) async throws {
    let server: TestServer
    switch self {
    case .embedded: return try await withURL(body)
    case .redis: server = try await TestServer(.redis)
    case .rabbitMQ: server = try await TestServer(.rabbitMQ)
    }
    try await body(server.url)
    try await server.kill()
  }

  var testDescription: String { rawValue }
}
