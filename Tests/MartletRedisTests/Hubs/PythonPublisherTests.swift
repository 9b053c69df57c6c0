import Foundation
import MartletCore
import MartletRedis
import MartletTestKit
import Testing

/// The publisher in Python that the documentation shows: it finds the partition that Martlet finds.
@Suite struct PythonPublisherTests {
  private static func snippet() throws -> String {
    let page = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../../Sources/Martlet/Martlet.docc/WireLayoutRedis.md")
    let text = try String(contentsOf: page, encoding: .utf8)
    let parts = text.split(separator: "```python\n")
    #expect(parts.count == 2)
    return String(parts[1].split(separator: "```")[0])
  }

  @Test(arguments: ["machine-7", "Kältemaschine", "k"])
  func publishesToThePartitionOfTheKey(key: String) async throws {
    let lab = try await HubLab.open(partitions: 7)
    let python = try WorkerProcess(
      "/usr/bin/python3", arguments: ["-c", try Self.snippet(), lab.lab.url, lab.hub, key, "hello"])
    #expect(await python.end(until: .now + .seconds(30)) == 0)
    let inbox = EventInbox()
    _ = try await lab.read(inbox, partition: PartitionChoice.partition(of: key, count: 7))
    let event = try await inbox.first(1)[0]
    #expect(event.message.body.string == "hello")
    #expect(event.message.key == key)
    #expect(event.message.id == "\(key)-1")
    await lab.close()
  }
}
