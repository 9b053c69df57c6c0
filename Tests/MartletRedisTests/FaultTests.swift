import Foundation
import MartletCore
import MartletRedis
import TestServers
import Testing

@testable import MartletTestKit

/// From queue to queue, every message arrives exactly once, whatever happens on the way.
@Suite struct FaultTests {
  @Test func cutConnections() async throws {
    try await pipe { lab, _ in try lab.redis("CLIENT", "KILL", "TYPE", "normal") }
  }

  @Test func forgottenScripts() async throws {
    try await pipe { lab, _ in try lab.redis("SCRIPT", "FLUSH") }
  }

  @Test func aServerThatIsKilled() async throws {
    try await pipe(times: 3) { _, server in try await server.restart() }
  }

  @Test func aServerThatStandsStill() async throws {
    try await pipe(times: 2, lease: .seconds(2)) { lab, server in
      let (silent, lost) = (lab.log.count("is silent"), lab.log.count("could not renew its lease"))
      try await server.pause()
      // Longer than the patience for an answer, and than what a reader grants itself of its lease.
      try await lab.log.wait(for: "owes an answer and is silent", count: silent + 1)
      try await lab.log.wait(for: "could not renew its lease", count: lost + 1)
      try await server.resume()
    }
  }

  @Test func aFullServer() async throws {
    try await pipe(times: 3) { lab, _ in
      try lab.redis("CONFIG", "SET", "maxmemory", "1mb")
      try lab.redis("CONFIG", "SET", "maxmemory", "0")
    }
  }

  /// A write that a kill cut off within a transaction: left alone, Redis does its first half at the start after the next.
  @Test func halfATransactionIsCutOffAsAWhole() async throws {
    let server = try await TestServer(.redis, isSafeFromKills: true)
    let redis = RedisCommand(url: server.url)
    let transaction = "for i = 1, 3 do redis.call('XADD', KEYS[1], '*', 'number', ARGV[1]) end"
    try redis("EVAL", transaction, "1", "torn", "1")
    try await server.kill()
    let port = try #require(URL(string: server.url)?.port)
    let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-redis-\(getpid())-\(port)")
    let file = folder.appending(path: "appendonlydir/appendonly.aof.1.incr.aof")
    let bytes = try Data(contentsOf: file)
    let begin = try #require(bytes.range(of: Data("MULTI".utf8), options: .backwards)).lowerBound
    // Behind the second of its three commands, and somewhat of the third.
    try bytes.prefix((begin + 2 * (bytes.count - begin) / 3)).write(to: file)
    try await server.start()
    #expect(try redis("EXISTS", "torn") == "0")
    try redis("EVAL", transaction, "1", "torn", "2")
    for _ in 0..<2 {
      try await server.restart()
      #expect(try redis("XLEN", "torn") == "3")
    }
    // With more behind it, the transaction cannot go without that: the start is refused, and the file left as it is.
    try await server.kill()
    try (bytes.prefix(begin + 2 * (bytes.count - begin) / 3) + bytes).write(to: file)
    await #expect(throws: ConformanceFailure.self) { try await server.start() }
  }

  /// Publishes in the background, pipes with two consumers, and brings the fault about again and again.
  private func pipe(
    times: Int = 20, lease: Duration = .seconds(60), _ fault: (Lab, TestServer) async throws -> Void
  ) async throws {
    let server = try await TestServer(.redis, isSafeFromKills: true)
    let lab = try await Lab.open(url: server.url, lease: lease)
    let other = try await Lab.open(url: server.url, lease: lease, queue: lab.queue)
    let output = lab.queue + ".out"
    let pipers = [Piper(to: output), Piper(to: output)]
    for (lab, piper) in zip([lab, other], pipers) {
      let subscription = QueueSubscription(
        queue: QueueDeclaration(name: lab.queue), function: "pipe", prefetch: 100)
      piper.begin(try await lab.broker.consume(subscription, handler: piper))
    }
    let isOver = Observed(false)
    // For as long as there are faults, so that every one of them finds work under way.
    let sender = Task {
      var total = 0
      while total < 4_000 || !isOver.value {
        try await lab.broker.publish((total..<total + 50).map { lab.message("\($0)", id: "m\($0)") })
        total += 50
      }
      return total
    }
    for _ in 0..<times {
      for piper in pipers { try await piper.receives(100) }
      try await fault(lab, server)
    }
    isOver.update { $0 = true }
    let total = try await sender.value
    try await lab.until("all messages", within: .seconds(60)) {
      let counts = try? await lab.broker.counts(of: lab.queue)
      return counts == QueueCounts()
    }
    let lines = try lab.redis("XRANGE", output, "-", "+").split(separator: " ")
    let ids = zip(lines, lines.dropFirst()).filter { $0.0 == "id" }.map(\.1)
    // A publisher that is cut off may repeat, with the same ids; nothing else does.
    #expect(Set(ids).count == total)
    let sent = try Int(lab.redis("XINFO", "STREAM", lab.queue).wordBehind("entries-added")) ?? 0
    let places = Dictionary(grouping: ids.indices) { ids[$0] }.filter { $0.value.count > 1 }
    #expect(
      ids.count <= sent,
      "places in the output of what came more than once: \(places.sorted { $0.value[0] < $1.value[0] })")
    #expect(pipers.map(\.suspectCount) == [0, 0])
    await other.broker.close(deadline: .now + .seconds(10))
    await lab.close()
  }
}

extension String {
  func wordBehind(_ name: String) -> String {
    let words = split(separator: " ")
    guard let place = words.firstIndex(where: { $0 == name }), place + 1 < words.count else { return "" }
    return String(words[place + 1])
  }
}
