import Martlet
import MartletTestKit
import TestServers
import Testing

@Suite(.enabled(if: TestServer.Kind.redis.isInstalled)) struct RedisHubConformanceTests {
  private static func suite(
    at url: String, restart: (@Sendable () async throws -> Void)? = nil
  ) -> HubConformance {
    HubConformance(
      url: url, restart: restart, patience: .seconds(60), promptness: .seconds(5)
    ) { url, environment in
      let broker = try BrokerURL(url).open(environment) as? any EventLog & Store & BrokerAdministration
      return HubConformance.Brokers(try #require(broker))
    }
  }

  static let cases = suite(at: "") {}.cases

  @Test(arguments: cases.filter { !$0.isDisruptive })
  func conforms(to testCase: HubConformance.Case) async throws {
    try await Self.suite(at: SharedServer.redisURL()).run(testCase)
  }

  @Test(arguments: cases.filter { $0.isDisruptive })
  func survives(_ testCase: HubConformance.Case) async throws {
    let server = try await TestServer(.redis, isSafeFromKills: true)
    try await Self.suite(at: server.url) { try await server.restart() }.run(testCase)
  }
}
