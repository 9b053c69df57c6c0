import Foundation
import Martlet
import TestServers
import Testing

@testable import MartletTestKit

/// A broker that an app of a test runs on, with the store that it needs.
enum AppBroker: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case embedded, redis, rabbitMQ

  static let installed = allCases.filter { broker in
    switch broker {
    case .embedded: true
    case .redis: TestServer.Kind.redis.isInstalled
    case .rabbitMQ: TestServer.Kind.rabbitMQ.isInstalled
    }
  }

  var testDescription: String { rawValue }

  /// Short intervals, so that a move is noticed soon.
  static let quick = EventHubOptions(
    partitionOwnershipExpirationInterval: .seconds(3), loadBalancingUpdateInterval: .milliseconds(100))

  /// Runs a test with the name of a hub that nobody else has, which is deleted afterwards.
  func run(_ body: (_ hub: String, HostConfiguration) async throws -> Void) async throws {
    try await withTemporaryDirectory { directory in
      var configuration =
        switch self {
        case .embedded: HostConfiguration(broker: "embedded:\(directory)/data")
        case .redis: HostConfiguration(broker: try await SharedServer.redisURL(), allowVolatile: true)
        case .rabbitMQ:
          HostConfiguration(broker: try await SharedServer.rabbitMQURL(), store: "embedded:\(directory)/store")
        }
      configuration.logger = BrokerConformance.testLogger
      let hub = "app-\(UUID().uuidString.prefix(8))"
      let result: Result<Void, any Error>
      do { result = .success(try await body(hub, configuration)) } catch { result = .failure(error) }
      try await withLog(of: configuration) { try await $0.delete(hub: hub) }
      try result.get()
    }
  }

  /// What is done beside an app.
  func withLog(of configuration: HostConfiguration, _ body: (any EventLog) async throws -> Void) async throws {
    let broker = try BrokerURL(configuration.broker).open(BrokerEnvironment(app: "beside", allowVolatile: true))
    try await broker.start(deadline: .now + .seconds(30))
    let result: Result<Void, any Error>
    do { result = .success(try await body(try #require(broker as? any EventLog))) } catch { result = .failure(error) }
    await broker.close(deadline: .now + .seconds(5))
    try result.get()
  }
}

extension FunctionApp {
  /// Runs `body` beside the app, which drains in any case.
  func run(_ configuration: HostConfiguration, _ body: (FunctionHost) async throws -> Void) async throws {
    let host = try await start(configuration)
    do { try await body(host) } catch {
      _ = await host.drain()
      throw error
    }
    #expect(await host.drain())
  }
}

extension Observed {
  /// Waits until something is so.
  func until(_ what: String, _ isSo: @escaping @Sendable (Value) -> Bool) async throws {
    let isThere: Bool? = await wait(until: .now + .seconds(60)) { isSo($0) ? true : nil }
    if isThere == nil { throw ConformanceFailure("in 60 s, \(what); it did not come so") }
  }
}
