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
    let ledger = try await run(on: TestServer(.redis, isSafeFromKills: true), lease: 2)
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
    let workers = try Workers(["queues", workerURL, run, String(lease)]) { $0.hasPrefix("again") }

    let faults = Faults(
      seed: seed, workers: workers, lease: .seconds(lease), servers: server.map { [$0] } ?? [],
      proxies: proxy.map { [$0] } ?? [])
    // More than that where the faults that must be seen take longer: each of them finds work under way.
    let sending = Task { [messages] in
      try await send(atLeast: messages, to: "\(run)-a", of: broker, beside: faults)
    }
    defer { sending.cancel() }
    let isOver = Locked(false)
    let chaos = Task { try await faults.go { isOver.withLock { $0 } } }
    defer { chaos.cancel() }
    // The last fault comes before the last message: what is proved is that the end is reached all the same.
    try await eventually("most messages have passed the chain", within: .seconds(240)) {
      try await broker.counts(of: "\(run)-out").ready >= messages * 9 / 10
    }
    isOver.withLock { $0 = true }
    try await chaos.value
    var ledger = Ledger()
    (ledger.confirmed, ledger.mayBeSentTwice) = try await sending.value

    // An empty chain proves nothing yet: on RabbitMQ a suspect changes its queue between two looks.
    try await eventually("all has arrived; missing: \(ledger.lost.prefix(10))", within: .seconds(240)) {
      for queue in ["a", "b", "c"] {
        let counts = try await broker.counts(of: "\(run)-\(queue)")
        if counts.ready + counts.unsettled + counts.delayed > 0 { return false }
      }
      try await ledger.add(QueueDump.read("\(run)-out", of: broker))
      return ledger.lost.isEmpty
    }
    #expect(await workers.drain() == [0, 0, 0], "seed \(seed)")
    for queue in ["a", "b", "c"] {
      let counts = try await broker.counts(of: "\(run)-\(queue)")
      #expect(counts == QueueCounts(), "\(queue) after the drain, seed \(seed)")
    }
    try await ledger.add(QueueDump.read("\(run)-out", of: broker))
    #expect(ledger.lost == [], "seed \(seed)")
    #expect(ledger.unaccounted == [], "seed \(seed)")
    // Faults that did not happen prove nothing.
    let redeliveries = await workers.proofs
    #expect(await faults.missing == [], "seed \(seed)")
    #expect(redeliveries > 0, "seed \(seed)")
    print("  \(ledger.confirmed.count) messages, \(redeliveries) redeliveries;", await faults.text)
    for queue in ["a", "b", "c", "out"] { try await broker.delete(queue: "\(run)-\(queue)") }
    await broker.close(deadline: .now + .seconds(10))
    return ledger
  }

  /// Sends numbered bodies, so many and until it is enough; returns those that were confirmed: all, or it throws. And
  /// those that were under way when a server was killed: it may have taken them without a word, and they were sent again.
  private func send(
    atLeast count: Int, to queue: String, of broker: any Broker, beside faults: Faults
  ) async throws -> (confirmed: Set<String>, mayBeSentTwice: Set<String>) {
    var confirmed: Set<String> = []
    var mayBeSentTwice: Set<String> = []
    let deadline = ContinuousClock.now + .seconds(240)
    while true {
      let start = confirmed.count
      if start >= count, await faults.isEnough { return (confirmed, mayBeSentTwice) }
      guard ContinuousClock.now < deadline else { throw ConformanceFailure("not every fault was seen in time") }
      // Evenly to the last message; beyond it as long as it takes.
      let bodies = (start..<(start < count ? min(start + 500, count) : start + 500)).map { "m\($0)." }
      let restarts = await faults.restarts
      try await broker.publish(
        bodies.map { OutgoingMessage(to: .queue(queue), body: Bytes($0), id: "id-\($0)", contentType: .text) })
      confirmed.formUnion(bodies)
      if await faults.restarts != restarts || restarts[0] != restarts[1] { mayBeSentTwice.formUnion(bodies) }
      try await pause(.milliseconds(500))
    }
  }
}
