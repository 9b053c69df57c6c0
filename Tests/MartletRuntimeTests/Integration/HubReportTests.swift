import MartletCore
import MartletEmbedded
import MartletRuntime
import Testing

@testable import MartletTestKit

/// What the log says of a store that does not do what is asked of it.
struct HubReportTests {
  private static let denied = BrokerError(.permission, "the user may not do this", isRetriable: false)

  @Test func `each trouble is told as what it is, and so is its end`() async throws {
    let (seen, log) = (Observed<[Int]>([]), LogCollector())
    let hub = HubName<Int>("reported", partitions: 1)
    let options = EventHubOptions(loadBalancingUpdateInterval: .milliseconds(50))
    let app = FunctionApp("test") {
      Function("sum", on: .event(of: hub, options: options), state: .keyed(Int.self)) { event, sum, _ in
        sum = (sum ?? 0) + event.body
        seen.add(event.body)
      }
    }
    let configuration = HostConfiguration(broker: "embedded:memory", logger: Logger(level: .debug, sink: log.sink))
    let host = try await app.start(configuration) { _, environment throws(BrokerError) in
      LossyBroker(try EmbeddedBroker(path: nil, environment: environment))
    }
    let broker = try #require(host.broker() as? LossyBroker)
    broker.valuesError.withLock { $0 = Self.denied }
    try await host.send([Outgoing(1, key: "k")], to: hub)
    try await log.wait(for: "cannot read the keyed state of reported/test:0, tries again: the user may not do this")
    broker.valuesError.withLock { $0 = nil }
    try await log.wait(for: "can read the keyed state of reported/test:0 again")
    try await seen.wait(count: 1)
    broker.heartbeatError.withLock { $0 = Self.denied }
    try await log.wait(for: "the store of reported/test does not do what is asked of it, tries again")
    broker.heartbeatError.withLock { $0 = nil }
    try await log.wait(for: "the store of reported/test answers again")
    #expect(await host.drain())
  }
}
