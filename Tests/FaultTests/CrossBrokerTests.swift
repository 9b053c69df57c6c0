import Foundation
import Martlet
import TestServers
import Testing

@testable import MartletTestKit

/// A chain of functions whose links lie on three brokers: no commit covers input and output.
@Suite struct CrossBrokerTests {
  private static let count = 3_000

  @Test func aChainOverThreeBrokersLosesNothing() async throws {
    let (redis, redisURL) = try Self.proxy(to: await SharedServer.redisURL())
    let (rabbitMQ, rabbitMQURL) = try Self.proxy(to: await SharedServer.rabbitMQURL())
    let name = UUID().uuidString
    let (first, second) = (QueueName<String>(name), QueueName<String>(name, connection: "rabbit"))
    let third = QueueName<String>("third", connection: "disk")
    let seen = Observed<[String: Int]>([:])
    let app = FunctionApp("chain") {
      Function("one", on: .queue(first), to: .queue(second)) { message, _ in message.body }
      Function("two", on: .queue(second), to: .queue(third)) { message, _ in message.body }
      Function("three", on: .queue(third)) { message, _ in seen.update { $0[message.body, default: 0] += 1 } }
    }
    let configuration = HostConfiguration(
      broker: redisURL, connections: ["rabbit": rabbitMQURL, "disk": "embedded:"], allowVolatile: true,
      logger: Logger(sink: .discard))
    try await app.withHost(configuration) { host in
      let load = Task {
        for start in stride(from: 0, to: Self.count, by: 100) {
          try await host.send((start..<start + 100).map { Outgoing("\($0)") }, to: first)
        }
      }
      for count in stride(from: 500, to: Self.count, by: 500) {
        try await seen.wait("the next", count: count)
        (count % 1_000 == 0 ? redis : rabbitMQ).cut()
      }
      try await load.value
      try await seen.wait("all", count: Self.count)
      for connection in [nil, "rabbit"] {
        let broker = try #require(host.broker(connection) as? any BrokerAdministration)
        try await eventually("all are settled") { try await broker.counts(of: name) == QueueCounts() }
        try await broker.delete(queue: name)
      }
    }
    #expect(Set(seen.value.keys) == Set((0..<Self.count).map { "\($0)" }))
    let repeated = seen.value.values.reduce(0) { $0 + $1 - 1 }
    Attachment.record("repeated: \(repeated) of \(Self.count)", named: "repeated.txt")
    for proxy in [redis, rabbitMQ] { proxy.close() }
  }

  private static func proxy(to url: String) throws -> (TCPProxy, url: String) {
    let port = try #require(URL(string: url)?.port.flatMap { UInt16(exactly: $0) })
    let proxy = try TCPProxy(to: "127.0.0.1", port: port)
    return (proxy, url.replacing(":\(port)", with: ":\(proxy.port)"))
  }
}

extension Observed<[String: Int]> {
  fileprivate func wait(_ what: String, count: Int) async throws {
    let isSo: Bool? = await wait(until: .now + .seconds(120)) { $0.count >= count ? true : nil }
    if isSo == nil { throw ConformanceFailure("\(what): \(value.count) arrived, not \(count)") }
  }
}
