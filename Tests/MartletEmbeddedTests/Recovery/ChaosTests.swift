import Foundation
import Glibc
import MartletCore
import MartletTestKit
import TestServers
import Testing

@testable import MartletEmbedded

/// Processes that share a file and are killed and stopped at any moment: every message has its one effect.
@Suite struct ChaosTests {
  @Test func killsAndStopsHaveNoEffect() async throws {
    let scratch = try Scratch()
    let broker = try await EmbeddedBroker.open(scratch.path, lease: .seconds(1))
    let (rounds, perRound) = (14, 400)
    let count = rounds * perRound
    var workers = try (0..<3).map { _ in try worker(scratch.path) }
    var random = SplitMix(seed: 42)
    for round in 0..<rounds {
      try await broker.publish(
        (round * perRound..<(round + 1) * perRound).map {
          OutgoingMessage(to: .queue("in"), body: Bytes("\($0)"), id: "\($0)")
        })
      // Something must have happened since the last fault.
      let victim = Int(random.next() % 3)
      _ = await workers[victim].next(
        Int(random.next() % 20) + 1, where: { $0.hasPrefix("got") }, until: .now + .seconds(5))
      if round % 5 == 4 {
        workers[victim].signal(SIGSTOP)
        // Until another one has taken over what it held; if it was stopped inside of a transaction, nobody can.
        _ = await workers[(victim + 1) % 3].next(
          where: { $0.hasPrefix("got") && $0.hasSuffix("true") }, until: .now + .seconds(5))
        workers[victim].signal(SIGCONT)
      } else {
        workers[victim].kill()
        _ = await workers[victim].end(until: .now + .seconds(30))
        workers[victim] = try worker(scratch.path)
      }
    }
    try await eventually("every message is completed", within: .seconds(120)) {
      try await broker.counts(of: "in") == QueueCounts()
    }
    for worker in workers { worker.kill() }
    let (consumer, inbox) = try await broker.read("out", prefetch: 1000)
    var seen: [String: Int] = [:]
    while seen.count < count {
      let batch = try await inbox.next()
      for id in batch.ids { seen[id, default: 0] += 1 }
      #expect(await consumer.complete(batch).isApplied)
    }
    #expect(try await broker.counts(of: "out") == QueueCounts())
    #expect(Set(seen.keys) == Set((0..<count).map { "out-\($0)" }))
    #expect(seen.values.allSatisfy { $0 == 1 })
    await broker.shut()
    let database = try Database(path: scratch.file, mayCreate: false)
    #expect(try database.first("PRAGMA integrity_check") { $0.text(0) } == "ok")
  }

  private func worker(_ path: String) throws -> WorkerProcess {
    try WorkerProcess(
      BuiltProducts.executable("conformance-worker"),
      arguments: ["pipe", "embedded:\(path)", "in", "out", "10", "1000"])
  }
}

/// A seeded generator (SplitMix64), so that a run can be repeated.
struct SplitMix: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
