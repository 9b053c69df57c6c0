import Foundation
import Martlet
import TestServers
import Testing

@testable import MartletTestKit

/// A broker with hubs, and the store of its groups.
enum HubPlace: String, CaseIterable, CustomTestStringConvertible {
  case embedded = "embedded"
  case redis = "Redis"
  case rabbitMQ = "RabbitMQ with a store in a file"
  case rabbitMQAndRedis = "RabbitMQ with a store in Redis"

  var testDescription: String { rawValue }

  /// The places whose servers are installed.
  static var installed: [HubPlace] {
    allCases.filter { place in
      (!place.needsRedis || TestServer.Kind.redis.isInstalled)
        && (!place.needsRabbitMQ || TestServer.Kind.rabbitMQ.isInstalled)
    }
  }

  var needsRedis: Bool { self == .redis || self == .rabbitMQAndRedis }
  var needsRabbitMQ: Bool { self == .rabbitMQ || self == .rabbitMQAndRedis }
  /// Whether the log is its own store, so that a commit is one piece.
  var isAtomic: Bool { !needsRabbitMQ }

  /// Where log and store are.
  struct URLs: Sendable {
    var log: String
    /// nil where the log is its own.
    var store: String?

    /// As the arguments of a worker.
    var arguments: [String] { [log, store ?? "-"] }

    /// Opens and starts both.
    func open() async throws -> HubConformance.Brokers {
      let environment = BrokerEnvironment(app: "hub-faults", allowVolatile: true)
      func open(_ url: String) async throws -> any Broker {
        let broker = try BrokerURL(url).open(environment)
        try await broker.start(deadline: .now + .seconds(60))
        return broker
      }
      let broker = try await open(log)
      guard let store else {
        guard let broker = broker as? any EventLog & Store & BrokerAdministration else {
          throw ConformanceFailure("\(log) is no log with a store")
        }
        return HubConformance.Brokers(broker)
      }
      guard let log = broker as? any EventLog & BrokerAdministration,
        let store = try await open(store) as? any Store & BrokerAdministration
      else { throw ConformanceFailure("\(log) has no hubs, or \(store) is no store") }
      return HubConformance.Brokers(log: log, store: store)
    }
  }

  /// On the servers that all tests share, and in a folder.
  func shared(_ folder: String) async throws -> URLs {
    switch self {
    case .embedded: URLs(log: "embedded:\(folder)/data")
    case .redis: URLs(log: try await SharedServer.redisURL())
    case .rabbitMQ: URLs(log: try await SharedServer.rabbitMQURL(), store: "embedded:\(folder)/store")
    case .rabbitMQAndRedis:
      URLs(log: try await SharedServer.rabbitMQURL(), store: try await SharedServer.redisURL())
    }
  }
}

/// A folder that is gone afterwards.
func withTemporaryFolder(_ body: (String) async throws -> Void) async throws {
  let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-faults-\(UUID().uuidString)").path
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  try await body(folder)
}
