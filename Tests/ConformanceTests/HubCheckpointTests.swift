import Foundation
import Martlet
import MartletTestKit
import TestServers
import Testing

/// How many checkpoints a hundred batches give, on every broker: as many as Azure writes.
struct HubCheckpointTests {
  /// `batchCheckpointFrequency`, and the checkpoints before the drain.
  private static let expected = [1: 100, 4: 25, 8: 12, 32: 3, 128: 0]

  @Test func `embedded broker`() async throws {
    try await withTemporaryDirectory { try await Self.count(HostConfiguration(broker: "embedded:\($0)/data")) }
  }

  @Test(.enabled(if: TestServer.Kind.redis.isInstalled)) func `Redis`() async throws {
    try await Self.count(HostConfiguration(broker: try await SharedServer.redisURL(), allowVolatile: true))
  }

  @Test(.enabled(if: TestServer.Kind.rabbitMQ.isInstalled)) func `RabbitMQ, with a store in a file`() async throws {
    let url = try await SharedServer.rabbitMQURL()
    try await withTemporaryDirectory { directory in
      try await Self.count(HostConfiguration(broker: url, store: "embedded:\(directory)/store"))
    }
  }

  /// One hub with a hundred events, and a group for each frequency; a batch is one event.
  private static func count(_ configuration: HostConfiguration) async throws {
    let name = "checkpoints-\(UUID().uuidString.prefix(8))"
    let hub = HubName<Int>(name, partitions: 1)
    let done = Locked<[Int: Int]>([:])
    var configuration = configuration
    configuration.logger = BrokerConformance.testLogger
    let host = try await FunctionApp(name) {
      for frequency in expected.keys.sorted() {
        Function(
          "every-\(frequency)",
          on: .eventHub(hub, group: "g\(frequency)", maxEventBatchSize: 1, batchCheckpointFrequency: frequency)
        ) { batch, _ in
          done.withLock { $0[frequency, default: 0] += batch.count }
        }
      }
    }.start(configuration)
    try await host.send((0..<100).map { Outgoing($0) }, to: hub)
    try await eventually("each group has run a hundred batches", within: .seconds(60)) {
      done.withLock { done in expected.keys.allSatisfy { done[$0] == 100 } }
    }
    let url = configuration.store ?? configuration.broker
    let environment = BrokerEnvironment(app: name, allowVolatile: true)
    let store = try #require(try BrokerURL(url).open(environment) as? any Store & BrokerAdministration)
    try await store.start(deadline: .now + .seconds(30))
    /// The commits of a group so far: its only owner numbers them from 1.
    func commits(_ frequency: Int) async throws -> Int {
      let group = ConsumerGroup(hub: name, name: "g\(frequency)")
      let record = try await store.records(of: group, partitionCount: 1)[0]
      #expect(record.epoch == 1)
      return Int(record.lastCommit)
    }
    for (frequency, count) in expected.sorted(by: { $0.key < $1.key }) {
      var found = -1
      try await eventually("\(count) checkpoints for every \(frequency) batches, not \(found)", within: .seconds(10)) {
        found = try await commits(frequency)
        return found == count
      }
    }
    #expect(await host.drain())
    for (frequency, count) in expected {
      // What was held leaves in one more commit, and there were no others.
      #expect(try await commits(frequency) == count + (100 % frequency == 0 ? 0 : 1), "every \(frequency)")
    }
    await store.close(deadline: .now + .seconds(5))
  }
}
