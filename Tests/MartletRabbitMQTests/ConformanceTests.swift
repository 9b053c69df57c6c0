import MartletCore
import MartletRabbitMQ
import MartletTestKit
import TestServers
import Testing

/// What every broker has to do.
@Suite struct ConformanceTests {
  private static let features = BrokerConformance.Features(hasAtomicCommit: false, countsDelayed: false)

  private static func suite(at url: String, restart: (@Sendable () async throws -> Void)? = nil) -> BrokerConformance {
    // Prompt is what a machine that does much else at once can do.
    BrokerConformance(
      url: url, features: features, worker: BuiltProducts.executable("conformance-worker"), restart: restart,
      patience: .seconds(60), promptness: .seconds(3)
    ) { url, environment in try RabbitMQBroker(url: url, environment: environment) }
  }

  @Test(arguments: suite(at: "amqp://shared").cases)
  func conforms(to testCase: BrokerConformance.Case) async throws {
    try await Self.suite(at: try await SharedServer.rabbitMQURL()).run(testCase)
  }

  @Test(arguments: suite(at: "amqp://own", restart: {}).cases.filter(\.isDisruptive))
  func survives(_ testCase: BrokerConformance.Case) async throws {
    let server = try await TestServer(.rabbitMQ)
    try await Self.suite(at: server.url) { try await server.restart() }.run(testCase)
  }
}
