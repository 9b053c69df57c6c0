import Martlet
import MartletTestKit
import Testing

@Suite struct EmbeddedHubConformanceTests {
  @Test(arguments: HubConformance.embedded(at: "").cases)
  func fileConforms(to testCase: HubConformance.Case) async throws {
    try await withTemporaryDirectory { directory in
      try await HubConformance.embedded(at: "embedded:\(directory)/broker").run(testCase)
    }
  }

  @Test(arguments: HubConformance.memory.cases)
  func memoryConforms(to testCase: HubConformance.Case) async throws {
    try await HubConformance.memory.run(testCase)
  }
}
