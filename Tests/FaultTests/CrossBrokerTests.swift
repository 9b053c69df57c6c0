import Foundation
import Martlet
import TestServers
import Testing

@testable import MartletTestKit

/// A chain of functions whose links lie on three brokers: no commit covers input and output.
@Suite struct CrossBrokerTests {
  private static let count = 6_000

  @Test func aChainOverThreeBrokersLosesNothing() async throws {
    let redis = try await TestServer(.redis, isSafeFromKills: true)
    let rabbitMQ = try await TestServer(.rabbitMQ)
    let (first, second) = (QueueName<String>("first"), QueueName<String>("second", connection: "rabbit"))
    let third = QueueName<String>("third", connection: "disk")
    let seen = Observed<[String: Int]>([:])
    let app = FunctionApp("chain") {
      Function("one", on: .queue(first), to: .queue(second)) { message, _ in message.body }
      Function("two", on: .queue(second), to: .queue(third)) { message, _ in message.body }
      Function("three", on: .queue(third)) { message, _ in seen.update { $0[message.body, default: 0] += 1 } }
    }
    let configuration = HostConfiguration(
      broker: redis.url, connections: ["rabbit": rabbitMQ.url, "disk": "embedded:memory/\(UUID().uuidString)"],
      logger: Logger(sink: .discard))
    try await app.withHost(configuration) { host in
      let load = Task {
        for start in stride(from: 0, to: Self.count, by: 100) {
          try await host.send((start..<start + 100).map { Outgoing("\($0)") }, to: first)
        }
      }
      try await seen.wait("the first", count: 500)
      try await redis.restart()
      try await seen.wait("more", count: 1_500)
      try await rabbitMQ.restart()
      try await seen.wait("more", count: 3_000)
      async let one: Void = redis.restart()
      async let other: Void = rabbitMQ.restart()
      _ = try await (one, other)
      try await load.value
      try await seen.wait("all", count: Self.count)
    }
    #expect(Set(seen.value.keys) == Set((0..<Self.count).map { "\($0)" }))
    let repeated = seen.value.values.reduce(0) { $0 + $1 - 1 }
    Attachment.record("repeated: \(repeated) of \(Self.count)", named: "repeated.txt")
  }
}

extension Observed<[String: Int]> {
  fileprivate func wait(_ what: String, count: Int) async throws {
    let isSo: Bool? = await wait(until: .now + .seconds(120)) { $0.count >= count ? true : nil }
    if isSo == nil { throw ConformanceFailure("\(what): \(value.count) arrived, not \(count)") }
  }
}
