import Foundation
import Glibc
import Martlet
import TestServers
import Testing

@testable import MartletTestKit

/// Functions that take long, on RabbitMQ.
@Suite(.enabled(if: TestServer.Kind.rabbitMQ.isInstalled)) struct LongFunctionTests {
  @Test func `a message waits for its turn at the broker, not here, where its time runs`() async throws {
    let server = try await TestServer(.rabbitMQ)
    try await server.control(
      "application:set_env(rabbit,consumer_timeout,4000),application:set_env(rabbit,channel_tick_interval,500)")
    let log = LogCollector()
    let name = QueueName<Int>("slow")
    let runs = Observed<[(number: Int, attempt: Int)]>([])
    let configuration = HostConfiguration(
      broker: server.url, consumerTimeout: .seconds(4), logger: Logger(sink: log.sink))
    let app = FunctionApp("slow") {
      Function("slow", on: .queue(name, maxConcurrentCalls: 1, prefetchCount: 20)) { number, _ in
        // It takes its time: nobody ends the wait.
        _ = await runs.wait(until: .now + .milliseconds(600)) { _ in nil as Bool? }
        runs.update { $0.append((number.body, number.attempt)) }
      }
    }
    try await app.run(configuration) { host in
      try await host.send((0..<12).map { Outgoing($0) }, to: name)
      try await runs.until("all twelve ran") { Set($0.map(\.number)).count == 12 }
    }
    // The seventh would have been held for longer than four seconds.
    #expect(runs.value.map(\.number).sorted() == Array(0..<12))
    #expect(runs.value.allSatisfy { $0.attempt == 1 }, "\(runs.value); \(log.all.suffix(20))")
    #expect(log.count("was not settled within") == 0)
    #expect(log.count("or longer, and would lose their messages then: slow (00:30:00)") == 1)
  }

  @Test func `an idle partition owes the broker no acknowledgement`() async throws {
    let server = try await TestServer(.rabbitMQ)
    try await server.control(
      "application:set_env(rabbit,consumer_timeout,4000),application:set_env(rabbit,channel_tick_interval,500)")
    let log = LogCollector()
    let hub = HubName<Int>("idle", partitions: 1)
    let seen = Observed<[Int]>([])
    let configuration = HostConfiguration(
      broker: server.url, store: "embedded:", allowVolatile: true, logger: Logger(sink: log.sink))
    let app = FunctionApp("idle") {
      Function("idle", on: .event(of: hub, group: "idle")) { event, _ in seen.update { $0.append(event.body) } }
    }
    try await app.run(configuration) { host in
      try await host.send((0..<20).map { Outgoing($0) }, to: hub)
      try await seen.until("all came") { $0.count == 20 }
      _ = await seen.wait(until: .now + .seconds(7)) { _ in nil as Bool? }
      try await host.send(20, to: hub)
      try await seen.until("the next one came") { $0.count == 21 }
    }
    #expect(seen.value == Array(0...20))
    #expect(log.count("cannot be read") == 0)
  }

  /// The broker gives up a client that is silent for two heartbeats, here eight seconds.
  @Test func `the heart beats while functions hold all threads`() async throws {
    let log = LogCollector()
    let name = QueueName<Int>("heart-\(UUID().uuidString.prefix(8))")
    let runs = Observed<[Int]>([])
    let configuration = HostConfiguration(
      broker: try await SharedServer.rabbitMQURL(), lease: .seconds(8), logger: Logger(sink: log.sink))
    let threads = ProcessInfo.processInfo.activeProcessorCount
    let app = FunctionApp("heart") {
      Function("heart", on: .queue(name, maxConcurrentCalls: threads)) { number, _ in
        // What a function that blocks its thread does; it gives no other a turn.
        _ = poll(nil, 0, 20_000)
        runs.update { $0.append(number.attempt) }
      }
    }
    try await app.run(configuration) { host in
      try await host.send((0..<threads).map { Outgoing($0) }, to: name)
      try await runs.until("all have run") { $0.count >= threads }
      let broker = try #require(host.broker() as? any BrokerAdministration)
      try await eventually("all are settled") { try await broker.counts(of: name.address.name).unsettled == 0 }
      try await broker.delete(queue: name.address.name)
    }
    #expect(runs.value == Array(repeating: 1, count: threads))
    #expect(log.all.filter { $0.contains("connection lost") } == [])
  }
}
