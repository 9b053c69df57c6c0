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
