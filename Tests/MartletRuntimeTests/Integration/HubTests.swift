import Foundation
import MartletCore
import MartletEmbedded
import MartletRuntime
import Testing

@testable import MartletTestKit

/// Functions of event hubs on the embedded broker.
struct HubTests {
  private static let readings = HubName<Int>("readings", partitions: 4)
  private static let copies = HubName<Int>("copies", partitions: 2)
  private static let quick = EventHubOptions(
    partitionOwnershipExpirationInterval: .seconds(2), loadBalancingUpdateInterval: .milliseconds(50))

  private static func events(_ numbers: Range<Int>, keys: Int = 8) -> [Outgoing<Int>] {
    numbers.map { Outgoing($0, key: "k\($0 % keys)") }
  }

  /// Whether the numbers of each key come in order.
  private static func isOrdered(_ seen: [(key: String, number: Int)]) -> Bool {
    Dictionary(grouping: seen, by: \.key).values.allSatisfy { own in
      zip(own, own.dropFirst()).allSatisfy { $0.number < $1.number }
    }
  }

  @Test func `batches of a hub go through a function to another hub, in the order of their keys`() async throws {
    let seen = Observed<[(key: String, number: Int)]>([])
    try await TestApp.run {
      Function("copy", on: .eventHub(Self.readings, options: Self.quick), to: .eventHub(Self.copies)) {
        batch, context in
        #expect(context.partition?.hub == "readings")
        #expect(context.partition?.group == "test")
        return batch.map { Outgoing($0.body, key: $0.key) }
      }
      Function("see", on: .event(of: Self.copies, options: Self.quick)) { event, context in
        seen.update { $0.append((event.key ?? "", event.body)) }
      }
    } body: { app in
      try await app.host.send(Self.events(0..<1000), to: Self.readings)
      try await seen.until("all copies") { $0.count == 1000 }
    }
    seen.update { all in
      #expect(Set(all.map(\.number)).count == 1000)
      #expect(Self.isOrdered(all))
    }
  }

  @Test func `an event that fails is dead-lettered with its place, and its batch goes on`() async throws {
    let seen = Observed<Set<Int>>([])
    try await TestApp.run {
      Function(
        "detect",
        on: .eventHub(
          Self.readings, group: "detect", onFailure: .retry(.fixedDelay(maxRetryCount: 1, delayInterval: .zero)),
          options: Self.quick)
      ) { batch, context in
        if batch.contains(where: { $0.body == 17 }) { throw Scripted() }
        seen.update { $0.formUnion(batch.map(\.body)) }
      }
    } body: { app in
      try await app.host.send(Self.events(0..<100), to: Self.readings)
      try await seen.until("all others") { $0.count == 99 }
      let broker = try #require(app.host.broker() as? any BrokerAdministration)
      var letters: [DeadLetter] = []
      try await eventually("there is a dead letter") {
        letters = try await broker.deadLetters(of: "readings/detect", limit: 10)
        return !letters.isEmpty
      }
      let letter = try #require(letters.first)
      #expect(letter.message.body.string == "17")
      #expect(letter.message.key == "k1")
      #expect(letter.reason.code == .attemptsExhausted)
      #expect(letter.reason.attempts == 2)
      #expect(letter.reason.partition != nil)
      #expect(letter.reason.offset != nil)
    }
  }

  @Test func `what a function leaves out, or sets aside, is counted`() async throws {
    let seen = Observed<Set<Int>>([])
    let once = EventFailure.retry(.fixedDelay(maxRetryCount: 0, delayInterval: .zero), then: .skip)
    try await TestApp.run {
      Function("detect", on: .event(of: Self.readings, onFailure: once, options: Self.quick)) { event, _ in
        if event.body % 10 == 7 { throw Scripted() }
        if event.body % 10 == 8 { throw Outcome.deadLetter("eight") }
        seen.update { $0.insert(event.body) }
      }
    } body: { app in
      try await app.host.send(Self.events(0..<100), to: Self.readings)
      try await seen.until("all others") { $0.count == 80 }
      try await eventually("all are counted") { app.host.eventCounts(of: "detect")?.skipped == 10 }
      #expect(app.host.eventCounts(of: "detect")?.deadLettered == 10)
      try await eventually("all are committed") { app.host.eventCounts(of: "detect")?.committed == 100 }
      #expect(app.host.eventCounts(of: "detect")?.takeovers == 0)
      #expect(app.host.eventCounts(of: "nothing") == nil)
    }
  }

  @Test func `a batch may give each event an outcome`() async throws {
    let seen = Observed<[Int]>([])
    try await TestApp.run {
      Function(
        "detect", on: .eventHub(Self.readings, group: "detect", options: Self.quick), to: .queue(.numbers)
      ) { batch, context in
        await batch.results { event in
          switch event.body {
          case 3: .deadLetter("three")
          case 5 where event.attempt < 3: .retry(after: .milliseconds(1))
          default: .success(event.body)
          }
        }
      }
      Function("see", on: .queue(.numbers)) { message, context in seen.add(message.body) }
    } body: { app in
      try await app.host.send(Self.events(0..<10, keys: 1), to: Self.readings)
      let numbers = try await seen.wait(count: 9)
      #expect(numbers.sorted() == [0, 1, 2, 4, 5, 6, 7, 8, 9])
    }
  }

  @Test func `the first batch does not wait where there is no checkpoint, else for the rest of the time`() async throws
  {
    let directory = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    let hub = HubName<Int>("slow", partitions: 1)
    // The checkpoint of one group is almost ten minutes old; the other group has none.
    let checkpoint = PartitionPosition(enqueuedAt: Date().addingTimeInterval(-598))
    let broker = try EmbeddedBroker(path: directory.path(), environment: BrokerEnvironment(app: "test"))
    try await broker.start(deadline: .now + .seconds(30))
    _ = try await broker.declare(hub.declaration)
    try await broker.move(
      GroupPartition(group: ConsumerGroup(hub: hub.address.name, name: "known"), number: 0), to: checkpoint)
    await broker.close(deadline: .now + .seconds(30))
    let seen = Observed<[String: Date]>([:])
    let options = EventHubOptions(
      minEventBatchSize: 10, maxWaitTime: .seconds(600), loadBalancingUpdateInterval: .milliseconds(50))
    try await TestApp.run(
      HostConfiguration(broker: "embedded:\(directory.path())", logger: Logger(sink: .discard))
    ) {
      for group in ["known", "new"] {
        Function(group, on: .eventHub(hub, group: group, options: options)) { _, _ in
          seen.update { $0[group] = Date() }
        }
      }
    } body: { app in
      try await app.host.send([Outgoing(1)], to: hub)
      // Both long before a whole wait is over.
      try await seen.until("the event, in both groups") { $0.count == 2 }
    }
    // What the store keeps is in milliseconds.
    let due = try #require(checkpoint.enqueuedAt).addingTimeInterval(600 - 0.002)
    #expect(try #require(seen.value["known"]) >= due)
  }

  @Test(arguments: [1, 8]) func `a state per key is kept beside the checkpoint, over restarts`(lanes: Int) async throws
  {
    let directory = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    let configuration = HostConfiguration(
      broker: "embedded:\(directory.path())", logger: Logger(sink: .discard))
    let sums = Observed<[String: Int]>([:])
    for round in 0..<2 {
      try await TestApp.run(configuration) {
        Function("sum", on: .event(of: Self.readings, lanes: lanes, options: Self.quick), state: .keyed(Int.self)) {
          event, sum, context in
          sum = (sum ?? 0) + event.body
          let total = sum ?? 0
          sums.update { $0[event.key ?? ""] = total }
        }
      } body: { app in
        try await app.host.send(Self.events(0..<200), to: Self.readings)
        let expected = (0..<200).reduce(into: [String: Int]()) { $0["k\($1 % 8)", default: 0] += $1 * (round + 1) }
        try await sums.until("the sums") { $0 == expected }
      }
    }
  }

  @Test func `processes share the partitions, and one that leaves hands them over`() async throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    let configuration = HostConfiguration(
      broker: "embedded:\(directory.path())", logger: Logger(sink: .discard))
    let seen = Observed<[(key: String, number: Int)]>([])
    let owners = Observed<[Int: Set<Int>]>([:])
    func start(_ process: Int) async throws -> TestApp {
      try await TestApp.start(configuration) {
        Function("see", on: .eventHub(Self.readings, options: Self.quick)) { batch, context in
          let number = context.partition?.number ?? -1
          owners.update { $0[process, default: []].insert(number) }
          seen.update { $0 += batch.map { ($0.key ?? "", $0.body) } }
        }
      }
    }
    let first = try await start(1)
    try await first.host.send(Self.events(0..<100), to: Self.readings)
    try await seen.until("the first hundred") { $0.count == 100 }
    let second = try await start(2)
    var next = 100
    while await owners.wait(until: .now + .milliseconds(50), { $0[2]?.count == 2 ? true : nil }) == nil {
      try await first.host.send(Self.events(next..<(next + 8)), to: Self.readings)
      next += 8
      try #require(next < 5000)
    }
    #expect(await first.host.drain())
    try await second.host.send(Self.events(next..<(next + 100)), to: Self.readings)
    let count = next + 100
    try await seen.until("all") { $0.count >= count }
    #expect(await second.host.drain())
    seen.update { all in
      #expect(all.count == count)
      #expect(Self.isOrdered(all))
    }
  }

  @Test func `what a process has released is read by another one while it finishes something slow`() async throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    let configuration = HostConfiguration(
      broker: "embedded:\(directory.path())", logger: Logger(sink: .discard))
    let hub = HubName<Int>("wide", partitions: 16)
    let holder = Observed<Int?>(nil)
    let isOpen = Observed(false)
    func start(_ process: Int) async throws -> TestApp {
      try await TestApp.start(configuration) {
        Function("see", on: .event(of: hub, options: Self.quick)) { _, _ in
          holder.update { $0 = process }
          try await isOpen.until("the others are owned") { $0 }
        }
      }
    }
    let apps = [try await start(0), try await start(1)]
    let store = try #require(apps[0].host.broker() as? any Store)
    let group = ConsumerGroup(hub: "wide", name: "test")
    func shares() async throws -> [Int] {
      let owners = try await store.records(of: group, partitionCount: 16).compactMap(\.owner)
      return Dictionary(grouping: owners) { $0 }.values.map(\.count).sorted()
    }
    try await eventually("both have their halves") { try await shares() == [8, 8] }
    try await apps[0].host.send([Outgoing(1, key: "slow")], to: hub)
    let leaver: Int = try await holder.wait("it runs") { $0 }
    async let drained = apps[leaver].host.drain()
    // It lives and says so, for as long as its function takes.
    try await eventually("the other one has all others") { try await shares() == [1, 15] }
    isOpen.update { $0 = true }
    #expect(await drained)
    try await eventually("the other one has all") { try await shares() == [16] }
    #expect(await apps[1 - leaver].host.drain())
  }

  @Test func `a group that is moved by hand while it runs reads again from there`() async throws {
    let seen = Observed<[Int]>([])
    let hub = HubName<Int>("moved", partitions: 1)
    try await TestApp.run {
      Function("see", on: .eventHub(hub, options: Self.quick)) { batch, context in
        seen.update { $0 += batch.map(\.body) }
      }
    } body: { app in
      try await app.host.send(Self.events(0..<10), to: hub)
      try await seen.wait(count: 10)
      let store = try #require(app.host.broker() as? any Store)
      let group = ConsumerGroup(hub: "moved", name: "test")
      let log = try #require(app.host.broker() as? any EventLog)
      let start = try await log.position(before: .fromStart, in: HubPartition(hub: "moved", number: 0))
      try await store.move(GroupPartition(group: group, number: 0), to: start)
      let all = try await seen.wait(count: 20)
      #expect(all == Array(0..<10) + Array(0..<10))
    }
  }

  @Test func `events that retention removed are passed over, and counted in the log`() async throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    let hub = HubName<Int>("short", partitions: 1, retention: HubRetention(count: 10))
    let lines = Observed<[String]>([])
    let configuration = HostConfiguration(
      broker: "embedded:\(directory.path())",
      logger: Logger(sink: LogSink { record in lines.add(record.message) }))
    let seen = Observed<[Int]>([])
    func run(_ body: (TestApp) async throws -> Void) async throws {
      try await TestApp.run(configuration) {
        Function("see", on: .eventHub(hub, options: Self.quick)) { batch, context in
          seen.update { $0 += batch.map(\.body) }
        }
      } body: {
        try await body($0)
      }
    }
    try await run { app in
      try await app.host.send(Self.events(0..<5), to: hub)
      try await seen.wait(count: 5)
    }
    try await TestApp.run(configuration) {
      Function("other", on: .queue(.input)) { _, _ in }
    } body: { app in
      try await app.host.send(Self.events(5..<105), to: hub)
      let log = try #require(app.host.broker() as? any EventLog)
      while try await log.trim(HubPartition(hub: "short", number: 0)) > 0 {}
    }
    try await run { _ in
      let all = try await seen.wait(count: 15)
      #expect(all == Array(0..<5) + Array(95..<105))
    }
    try await lines.until("the log says so") { $0.contains { $0.contains("90 events were removed") } }
  }

  @Test func `a hub that was deleted and made again is read from its beginning`() async throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: directory) }
    let hub = HubName<Int>("again", partitions: 1)
    let configuration = HostConfiguration(
      broker: "embedded:\(directory.path())", logger: Logger(sink: .discard))
    let seen = Observed<[Int]>([])
    try await TestApp.run(configuration) {
      Function("see", on: .eventHub(hub, options: Self.quick)) { batch, context in
        seen.update { $0 += batch.map(\.body) }
      }
    } body: { app in
      try await app.host.send(Self.events(0..<10), to: hub)
      try await seen.wait(count: 10)
      let log = try #require(app.host.broker() as? any EventLog)
      try await log.delete(hub: "again")
      _ = try await log.declare(hub.declaration)
      try await app.host.send(Self.events(100..<105), to: hub)
      let all = try await seen.wait(count: 15)
      #expect(all == Array(0..<10) + Array(100..<105))
    }
  }

  @Test func `what is wrong with a hub is said at the start`() async throws {
    let error = await #expect(throws: ConfigurationError.self) {
      _ = try await TestApp.start {
        Function("a", on: .eventHub(HubName<Int>("readings", partitions: 5000), group: "x/y")) { _, _ in }
        Function("b", on: .event(of: Self.readings, group: "one")) { _, _ in }
        Function("c", on: .event(of: Self.readings, group: "one")) { _, _ in }
        Function("d", on: .eventHub(Self.readings, maxEventBatchSize: 0, lanes: 5000)) { _, _ in }
      }
    }
    let text = try #require(error).description
    for part in [
      "partitions is 5000; it must be 1 to 1024", "the group \"x/y\" may not hold : and /",
      "\"b\" reads hub:readings in the group \"one\" too", "maxEventBatchSize is 0; it must be 1 to 10000",
      "lanes is 5000; it must be 1 to 1024",
    ] { #expect(text.contains(part)) }
  }
}
