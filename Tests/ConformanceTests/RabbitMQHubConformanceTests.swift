import Martlet
import MartletTestKit
import TestServers
import Testing

@Suite(.enabled(if: TestServer.Kind.rabbitMQ.isInstalled)) struct RabbitMQHubConformanceTests {
  static let cases = HubConformance.rabbitMQ(at: "", store: "") {}.cases

  @Test(arguments: cases.filter { !$0.isDisruptive })
  func conforms(to testCase: HubConformance.Case) async throws {
    try await withTemporaryDirectory { directory in
      let url = try await SharedServer.rabbitMQURL()
      try await HubConformance.rabbitMQ(at: url, store: "embedded:\(directory)/store").run(testCase)
    }
  }

  @Test(arguments: cases.filter { $0.isDisruptive })
  func survives(_ testCase: HubConformance.Case) async throws {
    let server = try await TestServer(.rabbitMQ)
    try await withTemporaryDirectory { directory in
      try await HubConformance.rabbitMQ(at: server.url, store: "embedded:\(directory)/store") {
        try await server.restart()
      }.run(testCase)
    }
  }
}
