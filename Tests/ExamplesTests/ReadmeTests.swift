import Foundation
import MartletTestKit
import TestServers
import Testing

extension OrdersRunTests {
  /// What the README shows is true: each command runs, each link leads somewhere, the code is the example's.
  @Suite(.serialized)
  struct ReadmeTests {
    private let root = OrdersExample.root
    private let text: String

    init() throws { text = try Self.read("README.md") }

    private static func read(_ path: String) throws -> String {
      try String(contentsOf: URL(filePath: "\(OrdersExample.root)/\(path)"), encoding: .utf8)
    }

    /// The lines of all code blocks of a language.
    private func blocks(_ language: String) -> [[Substring]] {
      text.components(separatedBy: "\n```\(language)\n").dropFirst().map { block in
        block.prefix(upTo: block.range(of: "\n```")?.lowerBound ?? block.endIndex).split(separator: "\n")
      }
    }

    @Test func itsCodeIsTheExamples() throws {
      let sources = try ["Orders/Shop.swift", "Telemetry/Telemetry.swift"].map { try Self.read("Examples/\($0)") }
      for block in blocks("swift") {
        #expect(block.count < 15)
        let code = block.map { "    \($0)" }.joined(separator: "\n")
        #expect(sources.contains { $0.contains(code) })
      }
      #expect(blocks("swift").count == 2)
    }

    @Test func itsLinksLeadSomewhere() {
      let links = text.matches(of: /\]\(([^)]+)\)/).map { String($0.output.1) }
      #expect(!links.isEmpty)
      for link in links where !link.hasPrefix("https://") {
        #expect(FileManager.default.fileExists(atPath: "\(root)/\(link)"), "\(link) is not there")
      }
    }

    @Test func itsCommandsRun() async throws {
      let data = FileManager.default.temporaryDirectory.path + "/martlet-readme-\(UUID())"
      defer { try? FileManager.default.removeItem(atPath: data) }
      let redis = try await SharedServer.redisURL()
      let rabbitMQ = try await SharedServer.rabbitMQURL()
      for command in blocks("sh").joined() {
        if command == "Tests/run.sh" { continue }  // This test is a part of it.
        let line = command.replacing("embedded:./data", with: "embedded:\(data)")
          .replacing("redis://127.0.0.1:6379", with: redis).replacing("amqp://127.0.0.1:5672", with: rabbitMQ)
        let process = try WorkerProcess("/bin/sh", arguments: ["-c", "cd '\(root)' && exec \(line) 2>&1"])
        if command.hasSuffix("--worker") {
          let isReady = await process.next(where: { $0.contains("shop starts") }, until: .now + .seconds(600))
          #expect(isReady != nil, "\(command): \(process.said.suffix(5))")
          process.signal(SIGTERM)
        }
        #expect(await process.end(until: .now + .seconds(900)) == 0, "\(command): \(process.said.suffix(5))")
      }
    }
  }
}
