import Martlet
import MartletTestKit
import TestServers
import Testing

@Suite(.enabled(if: TestServer.Kind.redis.isInstalled)) struct RedisConformanceTests {
  static let cases = BrokerConformance.redis(at: "") {}.cases

  @Test(arguments: cases.filter { !$0.isDisruptive })
  func conforms(to testCase: BrokerConformance.Case) async throws {
    try await BrokerConformance.redis(at: SharedServer.redisURL()).run(testCase)
  }

  @Test(arguments: cases.filter { $0.isDisruptive })
  func survives(_ testCase: BrokerConformance.Case) async throws {
    let server = try await TestServer(.redis, isSafeFromKills: true)
    try await BrokerConformance.redis(at: server.url) { try await server.restart() }.run(testCase)
  }
}
