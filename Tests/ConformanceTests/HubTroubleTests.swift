import Martlet
import Testing

@testable import MartletTestKit

/// What apps do when events, or whole hubs, are gone: on every broker, under both policies.
struct HubTroubleTests {
  private static let body = String(repeating: "x", count: 100_000)

  /// An app that notes the numbers that its events begin with.
  private static func app(
    _ name: String, _ hub: HubName<String>, _ policy: RetentionGapPolicy, _ seen: Observed<[Int]>
  ) -> FunctionApp {
    FunctionApp(name) {
      Function("see", on: .eventHub(hub, onRetentionGap: policy, options: AppBroker.quick)) { batch, context in
        seen.update { $0 += batch.compactMap { Int($0.body.prefix { $0 != " " }) } }
      }
    }
  }

  private static func send(_ numbers: Range<Int>, to hub: String, on log: any EventLog, body: String = "") async throws
  {
    for number in numbers {
      try await log.publish([OutgoingMessage(to: .hub(hub), body: Bytes("\(number) \(body)"), id: "e\(number)")])
    }
  }

  @Test(arguments: AppBroker.installed, [RetentionGapPolicy.skip, .fail])
  func `events that retention removed are counted and told`(broker: AppBroker, policy: RetentionGapPolicy) async throws
  {
    try await broker.run { name, configuration in
      let hub = HubName<String>(name, partitions: 1, retention: HubRetention(bytes: 2 << 20))
      let seen = Observed<[Int]>([])
      let log = LogCollector()
      var configuration = configuration
      try await Self.app(name, hub, policy, seen).run(configuration) { host in
        try await Self.send(0..<3, to: name, on: try #require(host.broker() as? any EventLog))
        try await seen.until("the first are seen") { $0.count == 3 }
        try await eventually("and committed") { try await host.operations(on: hub).group(name).lag == 0 }
      }
      try await broker.withLog(of: configuration) { log in
        try await Self.send(3..<83, to: name, on: log, body: Self.body)
        let partition = HubPartition(hub: name, number: 0)
        try await eventually("the first are removed") {
          _ = try await log.trim(partition)
          let start = try await log.position(before: .fromStart, in: partition)
          // RabbitMQ removes whole segments by itself, and its start is always the first event that there ever was.
          let first = try await log.bounds(of: name)[0].first
          return start != PartitionPosition() || first.map { $0.high == 0 && $0.low > 10 } ?? false
        }
      }
      configuration.logger = Logger(level: .debug, sink: log.sink)
      try await Self.app(name, hub, policy, seen).run(configuration) { host in
        if policy == .fail {
          try await log.wait(for: "onRetentionGap is fail, so the group stops here until it is moved")
          #expect(seen.value.count == 3)
          let operations = try host.operations(on: hub)
          guard case .retentionGap = try await operations.group(name).partitions[0].lag.loss else {
            Issue.record("the operator should see the gap")
            return
          }
          try await operations.rewind(name, to: .start)
        }
        try await seen.until("the last is seen") { $0.contains(82) }
        let counts = try #require(host.eventCounts(of: "see"))
        #expect(counts.retentionGaps == 1)
        let missing = Int(counts.missing)
        let kept = seen.value.filter { $0 >= 3 }.sorted()
        #expect(kept == Array(kept[0]..<83))
        let gone = kept[0] - 3
        #expect(gone > 20)
        #expect(broker == .rabbitMQ ? (gone...gone + 20).contains(missing) : missing == gone)
        #expect(log.count("\(missing) events were removed before the group read them") == 1)
      }
    }
  }

  /// RabbitMQ removes events by itself, and nobody learns how many.
  @Test(arguments: AppBroker.installed.filter { $0 != .rabbitMQ })
  func `events that an app removes, as the retention of its hub says, are counted`(broker: AppBroker) async throws {
    try await broker.run { name, configuration in
      let hub = HubName<String>(name, partitions: 1, retention: HubRetention(count: 10))
      try await broker.withLog(of: configuration) { log in
        _ = try await log.declare(hub.declaration)
        try await log.publish((0..<100).map { .event("\($0)", to: name, partition: 0) })
        #expect(try await log.bounds(of: name)[0].count == 100, "a test that has nothing to remove")
      }
      let seen = Observed<[Int]>([])
      try await Self.app(name, hub, .skip, seen).run(configuration) { host in
        try await eventually("what the retention does not ask for is removed, and counted") {
          host.eventCounts(of: "see")?.trimmed == 90
        }
        try await seen.until("the last is seen") { $0.contains(99) }
        let log = try #require(host.broker() as? any EventLog)
        #expect(try await log.bounds(of: name)[0].count == 10)
        #expect(host.eventCounts(of: "see")?.trimmed == 90)
      }
    }
  }

  @Test(arguments: AppBroker.installed)
  func `a hub that is deleted under a running app is made again and read`(broker: AppBroker) async throws {
    try await broker.run { name, configuration in
      let hub = HubName<String>(name, partitions: 1)
      let seen = Observed<[Int]>([])
      try await Self.app(name, hub, .skip, seen).run(configuration) { host in
        let log = try #require(host.broker() as? any EventLog)
        try await Self.send(0..<10, to: name, on: log)
        try await seen.until("the first are seen") { $0.count == 10 }
        try await log.delete(hub: name)
        try await eventually("the hub is made again") { try await log.partitionCount(of: name) == 1 }
        try await Self.send(100..<105, to: name, on: log)
        try await seen.until("the new ones are seen") { Set($0).isSuperset(of: 100..<105) }
        #expect(try #require(host.eventCounts(of: "see")).lostPartitions > 0)
      }
    }
  }

  @Test(arguments: AppBroker.installed)
  func `a group that may not go on in a hub that was made again waits until it is moved`(
    broker: AppBroker
  ) async throws {
    try await broker.run { name, configuration in
      let hub = HubName<String>(name, partitions: 1)
      let seen = Observed<[Int]>([])
      let lines = LogCollector()
      var configuration = configuration
      configuration.logger = Logger(level: .debug, sink: lines.sink)
      try await Self.app(name, hub, .fail, seen).run(configuration) { host in
        let log = try #require(host.broker() as? any EventLog)
        let operations = try host.operations(on: hub)
        try await Self.send(0..<10, to: name, on: log)
        try await seen.until("the first are seen") { $0.count == 10 }
        try await eventually("and committed") { try await operations.group(name).lag == 0 }
        try await log.delete(hub: name)
        _ = try await log.declare(hub.declaration)
        try await Self.send(100..<105, to: name, on: log)
        try await lines.wait(for: "onRetentionGap is fail, so the group stops here until it is moved")
        try await eventually("the group is where it was") {
          try await operations.groups().contains { $0.partitions[0].checkpoint != nil }
        }
        #expect(seen.value.count == 10)
        try await operations.rewind(name, to: .start)
        try await seen.until("the new ones are seen") { Set($0).isSuperset(of: 100..<105) }
      }
    }
  }
}
