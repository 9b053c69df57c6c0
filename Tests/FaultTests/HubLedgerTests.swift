import Foundation
import Martlet
import TestServers
import Testing

@testable import MartletTestKit

/// No loss, no disorder, no second effect, by a ledger: events of 64 keys in 16 partitions through a chain of two
/// functions, eight lanes each, one that commits each batch and one that commits every eighth, while workers are killed
/// and frozen, connections are cut and brokers are restarted. Both send to a hub and a queue, keep state, and set events
/// aside.
///
/// `MARTLET_TEST_SEED` repeats a run's faults; `MARTLET_TEST_EVENTS` sets how many events flow, default 10 000, in the
/// full run 100 000.
struct HubLedgerTests {
  private static let variables = ProcessInfo.processInfo.environment
  private static let isFull = variables["MARTLET_TEST_FULL"] != nil
  private static let partitions = 16
  private static let keys = 64
  private static let expiration = Duration.seconds(2)
  private let seed = variables["MARTLET_TEST_SEED"].flatMap { UInt64($0) } ?? .random(in: 0 ... .max)
  private let events = variables["MARTLET_TEST_EVENTS"].flatMap { Int($0) } ?? (isFull ? 100_000 : 10_000)
  /// How long the sender takes for them.
  private let sendingTime = Duration.seconds(isFull ? 60 : 8)

  @Test func embeddedLosesAndRepeatsNothing() async throws {
    try await withTemporaryFolder { folder in
      let url = HubPlace.URLs(log: "embedded:\(folder)/data")
      try await run(.embedded, direct: url, workers: url)
    }
  }

  @Test(.enabled(if: TestServer.Kind.redis.isInstalled)) func redisLosesAndRepeatsNothing() async throws {
    let server = try await TestServer(.redis, isSafeFromKills: true)
    let (proxy, url) = try Self.proxy(of: server)
    defer { proxy.close() }
    try await run(
      .redis, direct: .init(log: server.url), workers: .init(log: url), servers: [server], proxies: [proxy])
  }

  @Test(.enabled(if: TestServer.Kind.rabbitMQ.isInstalled))
  func rabbitMQWithAFileLosesNothingAndRepeatsWithTheSameIDs() async throws {
    let server = try await TestServer(.rabbitMQ)
    let (proxy, url) = try Self.proxy(of: server)
    defer { proxy.close() }
    try await withTemporaryFolder { folder in
      let store = "embedded:\(folder)/store"
      try await run(
        .rabbitMQ, direct: .init(log: server.url, store: store), workers: .init(log: url, store: store),
        servers: [server], proxies: [proxy])
    }
  }

  @Test(.enabled(if: isFull && HubPlace.installed.contains(.rabbitMQAndRedis)))
  func rabbitMQWithRedisLosesNothingAndRepeatsWithTheSameIDs() async throws {
    let server = try await TestServer(.rabbitMQ)
    let store = try await TestServer(.redis, isSafeFromKills: true)
    let (proxy, url) = try Self.proxy(of: server)
    let (storeProxy, storeURL) = try Self.proxy(of: store)
    defer {
      proxy.close()
      storeProxy.close()
    }
    try await run(
      .rabbitMQAndRedis, direct: .init(log: server.url, store: store.url), workers: .init(log: url, store: storeURL),
      servers: [server, store], proxies: [proxy, storeProxy])
  }

  private static func proxy(of server: TestServer) throws -> (TCPProxy, String) {
    var parts = try #require(URLComponents(string: server.url))
    let proxy = try TCPProxy(to: "127.0.0.1", port: UInt16(try #require(parts.port)))
    parts.port = Int(proxy.port)
    return (proxy, try #require(parts.string))
  }

  private func run(
    _ place: HubPlace, direct: HubPlace.URLs, workers workerURLs: HubPlace.URLs, servers: [TestServer] = [],
    proxies: [TCPProxy] = []
  ) async throws {
    let begin = ContinuousClock.now
    let run = "hubs-\(UUID().uuidString.prefix(8))"
    let brokers = try await direct.open()
    let log = brokers.log
    var tapes: [String: HubTape] = [:]
    for (hub, count) in [("in", Self.partitions), ("mid", Self.partitions), ("out", 4)] {
      _ = try await log.declare(HubDeclaration(name: "\(run)-\(hub)", partitionCount: count))
      tapes[hub] = try await HubTape("\(run)-\(hub)", partitions: count, of: log)
    }
    let (input, middle, output) = try (#require(tapes["in"]), #require(tapes["mid"]), #require(tapes["out"]))
    try await log.declare(QueueDeclaration(name: "\(run)-list"))
    let groups = [ConsumerGroup(hub: "\(run)-in", name: "one"), ConsumerGroup(hub: "\(run)-mid", name: "two")]
    let watch = CheckpointWatch()
    let watching = Task { await watch.watch(groups, partitions: Self.partitions, in: brokers.store) }
    defer { watching.cancel() }
    let workers = try Workers(
      ["hubs"] + workerURLs.arguments + [run, String(Int(Self.expiration / .milliseconds(1)))]
    ) { $0.hasSuffix("over from a process that is dead") }

    let faults = Faults(
      seed: seed, workers: workers, lease: Self.expiration, servers: servers, proxies: proxies,
      longest: sendingTime * 1.5
    ) {
      let before = output.count
      try await output.wait("events flow again", within: .seconds(60)) { $0.ids.count > before }
    }
    // More than that where the faults that must be seen take longer: each of them finds work under way.
    // Either of both may fail; then there is nothing to wait for.
    let hasFailed = Observed(false)
    let sending = Task {
      do { return try await send(to: "\(run)-in", of: log) { await faults.isEnough } } catch {
        hasFailed.update { $0 = true }
        throw error
      }
    }
    defer { sending.cancel() }
    let isOver = Locked(false)
    let chaos = Task {
      do {
        // A RabbitMQ 3.10 that is killed while it makes a quorum queue may have one that never gets a leader
        // (rabbitmq-server issue 10070), so those of the dead letters, which are made with the first one, come before.
        try await eventually("both functions have set something aside", within: .seconds(60)) {
          for group in groups where try await log.deadLetters(of: group.description, limit: 1).isEmpty { return false }
          return true
        }
        try await faults.go { isOver.withLock { $0 } }
      } catch {
        print("hubs on \(place.rawValue): seed \(seed), \(await faults.text)\n\(await workers.lastWords)")
        hasFailed.update { $0 = true }
        throw error
      }
    }
    defer { chaos.cancel() }
    /// How many of the first events come out of the chain.
    func arriving(_ count: Int) -> Int { (0..<count).count { HubFate($0) == .arrives } }
    // The last fault comes before the last event: what is proved is that the end is reached all the same.
    let most = arriving(events) * 9 / 10
    try await output.wait("\(most) events have passed the chain, seed \(seed)", within: .seconds(600)) {
      $0.ids.count >= most || hasFailed.value
    }
    isOver.withLock { $0 = true }
    try await chaos.value
    let confirmed = try await sending.value
    let quiet = ContinuousClock.now
    let all = arriving(confirmed.count)
    try await output.wait("all \(all) have arrived, not \(output.count)", within: .seconds(240)) {
      $0.ids.count >= all
    }
    // The last ones may be of those that are set aside.
    try await eventually("both functions have come to the end", within: .seconds(120)) {
      for group in groups where try await !isAtEnd(group, brokers) { return false }
      return true
    }
    let calm = quiet.duration(to: .now)
    #expect(await workers.drain() == [0, 0, 0], "seed \(seed)")
    watching.cancel()
    for tape in [input, middle, output] { try await tape.finish() }
    let ledger = HubLedger(
      confirmed: confirmed,
      stages: [
        try await stage(groups[0], from: input, to: middle, brokers),
        try await stage(groups[1], from: middle, to: output, brokers),
      ], list: try await QueueDump.read("\(run)-list", of: log))
    check(ledger, place)
    try await checkPositions(groups, brokers, watch)
    // Faults that did not happen prove nothing.
    #expect(await faults.missing == [], "seed \(seed)")
    #expect(watch.looks > 0 && watch.takeovers > 0)
    let ran = await workers.said.reduce(0) { $0 + ($1.hasPrefix("ran ") ? Int($1.split(separator: " ")[2]) ?? 0 : 0) }
    let again = ran - ledger.runs
    #expect(again > 0, "nothing ran twice, seed \(seed)")
    print(
      "hubs on \(place.rawValue): seed \(seed), \(confirmed.count) events, \(ledger.setAside) set aside,",
      "\(watch.takeovers) takeovers, \(await workers.proofs) after a death, \(again) runs again,",
      "\(ledger.duplicates) repeats,",
      "\(ledger.stale) from an owner before; \(await faults.text);",
      "\(begin.duration(to: .now)), \(calm) of it behind the last fault")
    await brokers.close(deadline: .now + .seconds(10))
  }

  private func check(_ ledger: HubLedger, _ place: HubPlace) {
    func few(_ all: [String]) -> [String] { Array(all.prefix(5)) }
    #expect(few(ledger.lost) == [], "\(ledger.lost.count) are lost; seed \(seed)")
    #expect(few(ledger.unaccounted) == [], "seed \(seed)")
    #expect(few(ledger.wrongLetters) == [], "\(ledger.wrongLetters.count) dead letters; seed \(seed)")
    #expect(few(ledger.wrongStates) == [], "\(ledger.wrongStates.count) keys; seed \(seed)")
    #expect(few(ledger.disordered) == [], "\(ledger.disordered.count) keys; seed \(seed)")
    // What had no dead letter, or no state, would prove nothing.
    for stage in ledger.stages {
      let codes = Set(stage.letters.map(\.reason.code))
      #expect(codes == [.undecodable, .rejected] && stage.states.count == Self.keys, "\(stage.name), seed \(seed)")
    }
    #expect(few(ledger.foreignCopies) == [], "seed \(seed)")
    guard place.isAtomic else { return }
    #expect(ledger.duplicates == 0, "seed \(seed)")
    #expect(ledger.stale == 0, "seed \(seed)")
  }

  private func stage(
    _ group: ConsumerGroup, from input: HubTape, to output: HubTape, _ brokers: HubConformance.Brokers
  ) async throws -> HubChainStage {
    var states: [String: HubChainStage.Tally] = [:]
    for partition in 0..<Self.partitions {
      let found = try await brokers.store.values(
        of: (0..<Self.keys).map { "k\($0)" }, in: GroupPartition(group: group, number: partition))
      for (key, bytes) in found {
        #expect(states[key] == nil, "\(key) has a state in two partitions")
        states[key] = try JSONDecoder().decode(HubChainStage.Tally.self, from: Data(Array(bytes)))
      }
    }
    return HubChainStage(
      group, input: input.events, output: output.events, states: states,
      letters: try await brokers.log.deadLetters(of: group.description, limit: 100_000))
  }

  /// Whether a group has an outcome for every event of its hub.
  private func isAtEnd(_ group: ConsumerGroup, _ brokers: HubConformance.Brokers) async throws -> Bool {
    let tails = try await brokers.log.bounds(of: group.hub).map(\.tail.sequenceNumber)
    let records = try await brokers.store.records(of: group, partitionCount: Self.partitions)
    return records.map { $0.position?.sequenceNumber ?? -1 } == tails
  }

  /// Everything has its outcome: the checkpoint is the end, and none of it ever went back.
  private func checkPositions(
    _ groups: [ConsumerGroup], _ brokers: HubConformance.Brokers, _ watch: CheckpointWatch
  ) async throws {
    for group in groups {
      let tails = try await brokers.log.bounds(of: group.hub).map(\.tail.sequenceNumber)
      let records = try await brokers.store.records(of: group, partitionCount: Self.partitions)
      #expect(records.map { $0.position?.sequenceNumber ?? -1 } == tails, "seed \(seed)")
      #expect(records.allSatisfy { $0.position?.finished.isEmpty ?? true }, "seed \(seed)")
      for record in records { watch.enter(record, of: GroupPartition(group: group, number: record.partition)) }
    }
    #expect(watch.violations == [], "seed \(seed)")
  }

  /// Sends numbered events, so many and until it is enough; returns the ids that were confirmed: all, or it throws.
  private func send(to hub: String, of log: any EventLog, until isEnough: () async -> Bool) async throws -> Set<String>
  {
    var confirmed: Set<String> = []
    let step = max(1, events * 250 / Int(sendingTime / .milliseconds(1)))
    let deadline = ContinuousClock.now + .seconds(600)
    while true {
      let start = confirmed.count
      if start >= events, await isEnough() { return confirmed }
      guard ContinuousClock.now < deadline else { throw ConformanceFailure("not every fault was seen in time") }
      let end = start < events ? min(start + step, events) : start + step
      let batch = (start..<end).map { number in
        let (key, id) = ("k\(number % Self.keys)", "k\(number % Self.keys).\(number / Self.keys)")
        return OutgoingMessage(to: .hub(hub), body: HubFate(number).body(id), id: id, contentType: .text, key: key)
      }
      try await log.publish(batch)
      confirmed.formUnion(batch.map(\.id))
      try await pause(.milliseconds(250))
    }
  }
}
