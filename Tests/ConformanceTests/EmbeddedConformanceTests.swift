import Foundation
import Martlet
import MartletTestKit
import TestServers
import Testing

@Suite struct EmbeddedConformanceTests {
  static let file = BrokerConformance.embedded(at: "")

  @Test(arguments: file.cases)
  func fileConforms(to testCase: BrokerConformance.Case) async throws {
    try await withTemporaryDirectory { directory in
      try await BrokerConformance.embedded(at: "embedded:\(directory)/broker").run(testCase)
    }
  }

  @Test(arguments: BrokerConformance.memory.cases)
  func memoryConforms(to testCase: BrokerConformance.Case) async throws {
    try await BrokerConformance.memory.run(testCase)
  }
}
