import Foundation
import MartletCore
import MartletRuntime
import Testing

@testable import MartletTestKit

/// How many run at once, in which batches, and that nobody starves.
struct DispatchTests {
  /// Counts who is inside at the same time.
  private final class Room: Sendable {
    private let state = Observed<(inside: Int, most: Int, isOpen: Bool)>((0, 0, false))

    /// Stays until the room is opened.
    func visit() async {
      state.update {
        $0.inside += 1
        $0.most = max($0.most, $0.inside)
      }
      _ = await state.wait(until: .now + .seconds(60)) { $0.isOpen ? true : nil }
      state.update { $0.inside -= 1 }
    }

    func waitUntilInside(_ count: Int) async throws {
      try await state.until("\(count) inside") { $0.inside >= count }
    }
    func open() { state.update { $0.isOpen = true } }
    var most: Int { state.value.most }
  }

  @Test(arguments: [1, 3, 16])
  func `as many run side by side as are allowed, no more`(limit: Int) async throws {
    let room = Room()
    try await TestApp.run {
      Function("f", on: .queue(.numbers, maxConcurrentCalls: limit)) { _, _ in await room.visit() }
    } body: { app in
      try await app.send(Array(0..<50), to: .numbers)
      try await room.waitUntilInside(limit)
      room.open()
      try await app.waitUntilEmpty(.numbers)
      #expect(room.most == limit)
    }
  }

  @Test func `what cannot be sent from outside is refused, and goes nowhere else`() async throws {
    try await TestApp.run {
      Function("f", on: .queue(.numbers)) { _, _ in throw Outcome.deadLetter("it should not arrive") }
    } body: { app in
      for (name, problem) in [
        (QueueName<Int>("numbers", connection: "typo"), "the connection \"typo\" is not configured"),
        (QueueName<Int>("{numbers}:dead"), "the name may hold"),
      ] {
        let error = await #expect(throws: BrokerError.self) { try await app.host.send(1, to: name) }
        #expect(
          error?.code == .configuration && error?.message.contains(problem) == true, "\(String(describing: error))")
      }
      let hub = HubName<Int>("readings", connection: "typo")
      let error = await #expect(throws: BrokerError.self) {
        try await app.host.send(1, to: hub)
      }
      #expect(error?.code == .configuration)
      #expect(app.host.broker("typo") == nil)
      #expect(app.host.store(of: hub.address) == nil)
      let counts = try await app.counts(of: .numbers)
      #expect(counts == QueueCounts())
    }
  }

  @Test func `what is held never exceeds the prefetch`() async throws {
    let room = Room()
    try await TestApp.run {
      Function("f", on: .queue(.numbers, maxConcurrentCalls: 2, prefetchCount: 5)) { _, _ in await room.visit() }
    } body: { app in
      try await app.send(Array(0..<100), to: .numbers)
      try await room.waitUntilInside(2)
      var counts = QueueCounts()
      try await eventually("the prefetch is full") {
        counts = try await app.counts(of: .numbers)
        return counts.unsettled >= 5
      }
      #expect(counts.unsettled == 5)
      #expect(counts.ready == 95)
      room.open()
      try await app.waitUntilEmpty(.numbers)
    }
  }

  @Test func `batches are cut by size`() async throws {
    let sizes = Observed<[Int]>([])
    let numbers = Observed<[Int]>([])
    let configuration = HostConfiguration(
      broker: "embedded:", functions: ["f": FunctionOptions(prefetchCount: 1000)], logger: Logger(sink: .discard))
    try await TestApp.run(configuration) {
      Function(
        "f",
        on: .queue(.numbers, maxMessageBatchSize: 7, minMessageBatchSize: 7, maxBatchWaitTime: .seconds(60))
      ) { batch, context in
        sizes.add(batch.count)
        for number in batch { numbers.add(number.body) }
      }
    } body: { app in
      try await app.send(Array(0..<70), to: .numbers)
      let all = try await numbers.wait(count: 70)
      #expect(all == Array(0..<70))
      #expect(sizes.value == Array(repeating: 7, count: 10))
    }
  }

  @Test func `a batch that stays small leaves after its wait`() async throws {
    let batches = Observed<[(size: Int, time: ContinuousClock.Instant)]>([])
    try await TestApp.run {
      Function(
        "f",
        on: .queue(.numbers, maxMessageBatchSize: 100, minMessageBatchSize: 50, maxBatchWaitTime: .milliseconds(300))
      ) { batch, context in batches.add((batch.count, .now)) }
    } body: { app in
      let start = ContinuousClock.now
      try await app.send([1, 2, 3], to: .numbers)
      let all = try await batches.wait(count: 1)
      #expect(all[0].size == 3)
      #expect(all[0].time - start >= .milliseconds(295))
    }
  }

  @Test func `a flooded function does not starve its neighbour`() async throws {
    let progress = Observed<[String: Int]>([:])
    try await TestApp.run {
      Function("flooded", on: .queue(.numbers)) { number, context in
        progress.update { $0["flooded", default: 0] += 1 }
      }
      Function("quiet", on: .queue(.others)) { number, context in
        progress.update { progress in progress["quiet \(number.body)"] = progress["flooded", default: 0] }
      }
    } body: { app in
      try await app.send(Array(0..<60_000), to: .numbers)
      var sent: [Int] = []
      for number in 0..<10 {
        sent.append(progress.value["flooded", default: 0])
        try await app.send([number], to: .others)
      }
      try await progress.until("the quiet one") { $0.count > 10 }
      try await progress.until("the flooded one") { $0["flooded"] == 60_000 }
      // Each was served while the flood went on, not behind it.
      for number in 0..<10 where sent[number] < 40_000 {
        #expect((progress.value["quiet \(number)"] ?? .max) - sent[number] < 20_000)
      }
      #expect(sent[0] < 40_000)
    }
  }

  @Test func `only active functions run`() async throws {
    let seen = Observed<[String]>([])
    let lines = Observed<[String]>([])
    let logger = Logger(sink: LogSink { record in lines.add(record.message) })
    let fixture = try ConfigurationFixture(#"{"http": {}, "extensions": {"serviceBus": {"transportType": "amqpTcp"}}}"#)
    defer { fixture.remove() }
    var configuration = fixture.read(["--broker", "embedded:"], ["AzureWebJobs.Off.Disabled": "1"])
    configuration.logger = logger
    try await TestApp.run(configuration) {
      Function("on", on: .queue(.input)) { message, _ in seen.add("on \(message.body)") }
      Function("off", on: .queue(.output)) { message, _ in seen.add("off \(message.body)") }
    } body: { app in
      try await app.send(["x"], to: .output)
      try await app.send(["x"], to: .input)
      #expect(try await seen.wait(count: 1) == ["on x"])
      #expect(try await app.counts(of: .output).ready == 1)
      #expect(lines.value.contains("disabled by the configuration: off"))
      let ignored = "host.json: these settings of Azure have no meaning here: http, extensions.serviceBus.transportType"
      #expect(lines.value.count { $0 == ignored } == 1)
    }
  }
}
