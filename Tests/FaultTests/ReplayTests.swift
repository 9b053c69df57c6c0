import Foundation
import Martlet
import TestServers
import Testing

@testable import MartletTestKit

/// A new group reads a whole hub from its start, in memory that does not depend on how much there is: 100 000 events, in
/// the full run 1 000 000.
@Suite(.serialized) struct ReplayTests {
  private static let isFull = ProcessInfo.processInfo.environment["MARTLET_TEST_FULL"] != nil
  private let events = isFull ? 1_000_000 : 100_000
  /// What was needed for so many must do for all.
  private let mark = isFull ? 100_000 : 20_000
  private static let partitions = 4

  /// What the process may grow by beyond that mark, in KiB: what a heap does without a reason, and on the embedded
  /// broker SQLite's cache of pages, which fills up to 32 MiB with what is read.
  private static func allowance(on place: HubPlace) -> Int { place == .embedded ? 40 << 10 : 8 << 10 }

  @Test(arguments: HubPlace.installed.filter { $0 != .rabbitMQAndRedis })
  func memoryStaysFlat(on place: HubPlace) async throws {
    try await withTemporaryFolder { folder in
      let urls = try await place.shared(folder)
      let brokers = try await urls.open()
      let run = "replay-\(UUID().uuidString.prefix(8))"
      let hub = "\(run)-in"
      _ = try await brokers.log.declare(HubDeclaration(name: hub, partitionCount: Self.partitions))
      try await fill(hub, of: brokers.log)
      let worker = try Workers.start(["replay"] + urls.arguments + [run])
      let count = events
      let end = await worker.next(
        where: { ($0.prefix(3) == "at " ? Int($0.split(separator: " ")[1]) ?? 0 : 0) >= count },
        until: .now + .seconds(300))
      #expect(end != nil, "\(worker.said.suffix(5))")
      let marks = worker.said.filter { $0.hasPrefix("at ") }.map {
        $0.split(separator: " ").dropFirst().map { Int($0) ?? 0 }
      }
      worker.signal(15)
      #expect(await worker.end(until: .now + .seconds(30)) == 0)
      let (first, last) = (try #require(marks.first), try #require(marks.last))
      let early = try #require(marks.first { $0[0] >= mark })
      #expect(last[0] == events, "each event is read once")
      #expect(last[1] <= early[1] + Self.allowance(on: place), "KiB at \(last[0]) events, against those at \(early[0])")
      let perSecond = (last[0] - first[0]) * 1000 / max(1, last[2] - first[2])
      print(
        "replay on \(place.rawValue): \(events) events, \(perSecond)/s, peak \(early[1]) KiB at \(early[0]),",
        "\(last[1]) KiB at the end")
      try await brokers.log.delete(hub: hub)
      try await brokers.store.delete(queue: ConsumerGroup(hub: hub, name: "replay").description)
      await brokers.close(deadline: .now + .seconds(10))
    }
  }

  private func fill(_ hub: String, of log: any EventLog) async throws {
    let body = Bytes(Array(repeating: UInt8(ascii: "x"), count: 100))
    let step = 2000
    for start in stride(from: 0, to: events, by: step) {
      try await log.publish(
        (start..<min(start + step, events)).map {
          OutgoingMessage(to: .hub(hub), body: body, id: "e\($0)", contentType: .bytes, key: "k\($0 % 64)")
        })
    }
  }
}
