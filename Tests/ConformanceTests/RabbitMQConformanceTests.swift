import Martlet
import MartletTestKit
import TestServers
import Testing

@Suite(.enabled(if: TestServer.Kind.rabbitMQ.isInstalled)) struct RabbitMQConformanceTests {
  static let cases = BrokerConformance.rabbitMQ(at: "") {}.cases

  @Test(arguments: cases.filter { !$0.isDisruptive })
  func conforms(to testCase: BrokerConformance.Case) async throws {
    try await BrokerConformance.rabbitMQ(at: SharedServer.rabbitMQURL()).run(testCase)
  }

  @Test(arguments: cases.filter { $0.isDisruptive })
  func survives(_ testCase: BrokerConformance.Case) async throws {
    let server = try await TestServer(.rabbitMQ)
    try await BrokerConformance.rabbitMQ(at: server.url) { try await server.restart() }.run(testCase)
  }
}
