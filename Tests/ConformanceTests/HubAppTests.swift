import Foundation
import Martlet
import TestServers
import Testing

@testable import MartletTestKit

/// One app of two functions behind each other, on every broker: nothing lost, keys in order, partitions handed over.
struct HubAppTests {
  @Test func `an app of hubs runs on the embedded broker`() async throws {
    try await withTemporaryDirectory { try await Self.pipe(HostConfiguration(broker: "embedded:\($0)/data")) }
  }

  @Test(.enabled(if: TestServer.Kind.redis.isInstalled)) func `an app of hubs runs on Redis`() async throws {
    try await Self.pipe(HostConfiguration(broker: try await SharedServer.redisURL(), allowVolatile: true))
  }

  @Test(.enabled(if: TestServer.Kind.rabbitMQ.isInstalled))
  func `an app of hubs runs on RabbitMQ, with a store in a file`() async throws {
    let url = try await SharedServer.rabbitMQURL()
    try await withTemporaryDirectory { directory in
      try await Self.pipe(HostConfiguration(broker: url, store: "embedded:\(directory)/store"))
    }
  }

  @Test(.enabled(if: TestServer.Kind.rabbitMQ.isInstalled))
  func `a hub on RabbitMQ without a store is a mistake that names the setting`() async throws {
    let url = try await SharedServer.rabbitMQURL()
    let app = FunctionApp("shop") { Function("see", on: .eventHub(HubName<Int>("any"))) { _, _ in } }
    let error = await #expect(throws: ConfigurationError.self) {
      _ = try await app.start(HostConfiguration(broker: url, logger: Logger(sink: .discard)))
    }
    #expect(try #require(error).description.contains("set MARTLET_STORE"))
  }

  private struct Told: Sendable {
    let event: IncomingEvent<String>
    let place: PartitionContext
  }

  @Test(arguments: AppBroker.installed)
  func `an invocation is told where its partition ends, and a dead letter tells where its event was`(
    broker: AppBroker
  ) async throws {
    try await broker.run { name, configuration in
      let hub = HubName<String>(name, partitions: 2)
      try await broker.withLog(of: configuration) { log in
        _ = try await log.declare(hub.declaration)
        try await log.publish((0..<20).map { .event("e\($0)", to: name, partition: 1) })
      }
      let told = Observed<[Told]>([])
      let patient = EventFailure.retry(.fixedDelay(maxRetryCount: 5000, delayInterval: .milliseconds(10)))
      let app = FunctionApp(name) {
        Function("see", on: .event(of: hub, group: "watch", onFailure: patient, options: AppBroker.quick)) {
          event, context in
          guard let place = context.partition else { return }
          // RabbitMQ is asked beside the first events; the answer may come after they did.
          if event.id == "e0", place.lag < 19, event.attempt < 5000 { throw Outcome.retry(after: nil) }
          told.update { $0.append(Told(event: event, place: place)) }
          if event.id == "e7" { throw Outcome.deadLetter("seven") }
        }
      }
      let group = ConsumerGroup(hub: name, name: "watch")
      try await app.run(configuration) { host in
        try await told.until("all are seen") { $0.count == 20 }
        let seen = told.value
        let last = seen[19].event
        for (event, place) in seen.map({ ($0.event, $0.place) }) {
          #expect((place.hub, place.group, place.number) == (name, "watch", 1))
          #expect(place.lastEnqueuedSequenceNumber == last.sequenceNumber)
          #expect(place.lastEnqueuedOffset == last.offset)
          #expect(place.lastEnqueuedAt == last.enqueuedAt)
          #expect(place.lag == last.sequenceNumber - event.sequenceNumber)
        }
        let administration = try #require(host.broker() as? any BrokerAdministration)
        var letters: [DeadLetter] = []
        try await eventually("there is a dead letter") {
          letters = try await administration.deadLetters(of: group.description, limit: 10)
          return !letters.isEmpty
        }
        #expect(letters.map(\.message.id) == ["e7"])
        #expect(letters.first?.reason.source == .hub(group.description))
        #expect(letters.first?.reason.partition == 1)
        #expect(letters.first?.reason.offset == seen[7].event.offset)
        try await administration.delete(queue: group.description)
      }
    }
  }

  /// Two processes' worth of hosts share two hubs; one of them leaves half way.
  private static func pipe(_ configuration: HostConfiguration) async throws {
    let name = "app-\(UUID().uuidString.prefix(8))"
    let source = HubName<Int>("\(name)-in", partitions: 4)
    let target = HubName<Int>("\(name)-out", partitions: 3)
    let quick = EventHubOptions(
      partitionOwnershipExpirationInterval: .seconds(3), loadBalancingUpdateInterval: .milliseconds(100))
    let seen = Observed<[(key: String, number: Int)]>([])
    var configuration = configuration
    configuration.logger = BrokerConformance.testLogger
    func start() async throws -> FunctionHost {
      try await FunctionApp(name) {
        Function("copy", on: .eventHub(source, lanes: 4, options: quick), to: .eventHub(target)) { batch, context in
          await batch.results { event in .success(Outgoing(event.body, key: event.key)) }
        }
        Function("see", on: .event(of: target, options: quick)) { event, context in
          seen.update { $0.append((event.key ?? "", event.body)) }
        }
      }.start(configuration)
    }
    func send(_ numbers: Range<Int>, _ host: FunctionHost) async throws {
      try await host.send(numbers.map { Outgoing($0, key: "k\($0 % 16)") }, to: source)
    }
    let first = try await start()
    let second = try await start()
    try await send(0..<1000, first)
    try await arrived(1000, seen)
    #expect(await first.drain())
    try await send(1000..<2000, second)
    try await arrived(2000, seen)
    #expect(await second.drain())
    seen.update { all in
      // A repeat is possible where outputs leave before their checkpoint; the order of the first ones is not touched.
      var last: [String: Int] = [:]
      var known: Set<Int> = []
      for (key, number) in all where known.insert(number).inserted {
        #expect(number > last[key] ?? -1)
        last[key] = number
      }
      #expect(known.count == 2000)
    }
  }

  private static func arrived(_ count: Int, _ seen: Observed<[(key: String, number: Int)]>) async throws {
    try await eventually("\(count) events have arrived", within: .seconds(60)) {
      seen.update { Set($0.map(\.number)).count } == count
    }
  }
}
