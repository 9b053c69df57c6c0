import Foundation
import Martlet
import MartletTestKit
import TestServers
import Testing

/// No loss, by a ledger: messages through a chain of three functions while workers are killed and frozen, connections
/// are cut and the broker is restarted.
///
/// `MARTLET_TEST_SEED` repeats a run's faults; `MARTLET_TEST_MESSAGES` sets how many messages flow, default 20 000.
@Suite(.serialized) struct LedgerTests {
  private static let variables = ProcessInfo.processInfo.environment
  private let seed = variables["MARTLET_TEST_SEED"].flatMap { UInt64($0) } ?? .random(in: 0 ... .max)
  private let messages = variables["MARTLET_TEST_MESSAGES"].flatMap { Int($0) } ?? 20_000

  @Test func embeddedLosesAndRepeatsNothing() async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "martlet-faults-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let ledger = try await run(on: "embedded:\(folder)", workersUse: "embedded:\(folder)", lease: 2)
    #expect(ledger.duplicates == 0, "seed \(seed)")
  }

  @Test func redisLosesAndRepeatsNothing() async throws {
    let ledger = try await run(on: TestServer(.redis), lease: 2)
    #expect(ledger.duplicates == 0, "seed \(seed)")
  }

  @Test func rabbitMQLosesNothingAndRepeatsWithTheSameIDs() async throws {
    let ledger = try await run(on: TestServer(.rabbitMQ), lease: 2)
    #expect(ledger.foreignCopies == [], "seed \(seed)")
    print("RabbitMQ: \(ledger.duplicates) repeats among \(messages) messages, each with its first id")
  }

  private func run(on server: TestServer, lease: Int) async throws -> Ledger {
    let parts = try #require(URLComponents(string: server.url))
    let proxy = try TCPProxy(to: "127.0.0.1", port: UInt16(try #require(parts.port)))
    defer { proxy.close() }
    var proxied = parts
    proxied.port = Int(proxy.port)
    return try await run(
      on: server.url, workersUse: try #require(proxied.string), lease: lease, server: server, proxy: proxy)
  }

  private func run(
    on url: String, workersUse workerURL: String, lease: Int, server: TestServer? = nil, proxy: TCPProxy? = nil
  ) async throws -> Ledger {
    print("faults on \(url.prefix { $0 != ":" }): seed \(seed), \(messages) messages")
    let run = "faults-\(UUID().uuidString.prefix(8))"
    let broker = try BrokerURL(url).open(BrokerEnvironment(app: "ledger", lease: .seconds(10)))
    try await broker.start(deadline: .now + .seconds(60))
    for queue in ["a", "b", "c", "out"] { try await broker.declare(QueueDeclaration(name: "\(run)-\(queue)")) }
    let workers = try Workers(broker: workerURL, run: run, lease: lease, count: 3)

    let sending = Task { [messages] in try await send(messages, to: "\(run)-a", of: broker) }
    let faults = Faults(seed: seed, workers: workers, freeze: .seconds(lease + 2), server: server, proxy: proxy)
    let isOver = Locked(false)
    let chaos = Task { try await faults.go { isOver.withLock { $0 } } }
    // The last fault comes before the last message: what is proved is that the end is reached all the same.
    try await wait("most messages have passed the chain", for: .seconds(240)) {
      try await broker.counts(of: "\(run)-out").ready >= messages * 9 / 10
    }
    isOver.withLock { $0 = true }
    try await chaos.value
    var ledger = Ledger()
    ledger.confirmed = try await sending.value

    try await wait("the chain is empty", for: .seconds(240)) {
      for queue in ["a", "b", "c"] {
        let counts = try await broker.counts(of: "\(run)-\(queue)")
        if counts.ready + counts.unsettled + counts.delayed > 0 { return false }
      }
      return try await broker.counts(of: "\(run)-out").ready >= messages
    }
    #expect(await workers.drain() == [0, 0, 0], "seed \(seed)")
    for queue in ["a", "b", "c"] {
      let counts = try await broker.counts(of: "\(run)-\(queue)")
      #expect(counts == QueueCounts(), "\(queue) after the drain, seed \(seed)")
    }
    for (body, id) in try await QueueDump.read("\(run)-out", of: broker) {
      ledger.arrived[body, default: []].append(id)
    }
    #expect(ledger.lost == [], "seed \(seed)")
    #expect(ledger.unaccounted == [], "seed \(seed)")
    #expect(await workers.kills >= 3, "seed \(seed)")
    print("  \(await workers.kills) kills, \(await workers.pauses) freezes, \(await faults.others) cuts and restarts")
    for queue in ["a", "b", "c", "out"] { try await broker.delete(queue: "\(run)-\(queue)") }
    await broker.close(deadline: .now + .seconds(10))
    return ledger
  }

  /// Sends numbered bodies; returns those that were confirmed: all, or it throws.
  private func send(_ count: Int, to queue: String, of broker: any Broker) async throws -> Set<String> {
    var confirmed: Set<String> = []
    for start in stride(from: 0, to: count, by: 500) {
      let bodies = (start..<min(start + 500, count)).map { "m\($0)." }
      try await broker.publish(
        bodies.map { OutgoingMessage(to: .queue(queue), body: Bytes($0), id: "id-\($0)", contentType: .text) })
      confirmed.formUnion(bodies)
      try await pause(.milliseconds(500))
    }
    return confirmed
  }
}
