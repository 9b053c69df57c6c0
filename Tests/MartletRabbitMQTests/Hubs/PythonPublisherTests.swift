import Foundation
import MartletCore
import MartletRabbitMQ
import TestServers
import Testing

@testable import MartletTestKit

/// The publisher in Python that the documentation shows: it finds the partition that Martlet finds.
@Suite struct PythonPublisherTests {
  private static func snippet() throws -> String {
    let page = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../../Sources/Martlet/Martlet.docc/WireLayoutRabbitMQ.md")
    let text = try String(contentsOf: page, encoding: .utf8)
    let parts = text.split(separator: "```python\n")
    #expect(parts.count == 2)
    return String(parts[1].split(separator: "```")[0])
  }

  @Test(arguments: ["machine-7", "Kältemaschine", ""])
  func publishesToThePartitionOfTheKey(key: String) async throws {
    let lab = try await Lab.open()
    let hub = lab.queue
    _ = try await lab.broker.declare(HubDeclaration(name: hub, partitionCount: 4))
    let python = try WorkerProcess(
      "/usr/bin/python3",
      arguments: ["-c", try Self.snippet(), try await SharedServer.rabbitMQURL(), hub, "4", key, "hello"])
    #expect(await python.end(until: .now + .seconds(30)) == 0)
    let inbox = EventInbox()
    let partition = HubPartition(hub: hub, number: PartitionChoice.partition(of: key, count: 4))
    let reader = try await lab.broker.read(partition, after: PartitionPosition(), function: "test", handler: inbox)
    reader.grant(1)
    let event = try #require(await inbox.state.wait(until: .now + .seconds(30)) { $0.events.first })
    #expect(event.message.body.string == "hello")
    #expect(event.message.key == key)
    #expect(event.message.id == "\(key)-1")
    await reader.close()
    try await lab.broker.delete(hub: hub)
    await lab.close()
  }
}
