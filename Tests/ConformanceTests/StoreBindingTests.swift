import Foundation
import Martlet
import TestServers
import Testing

@testable import MartletTestKit

/// Apps of one group on one RabbitMQ, with a store each: one of them works.
@Suite(.enabled(if: TestServer.Kind.rabbitMQ.isInstalled)) struct StoreBindingTests {
  /// A process, what it has seen and what it says.
  private struct Process {
    let host: FunctionHost
    let seen: Observed<[Int]>
    let log: LogCollector
  }

  private static func start(
    _ hub: HubName<Int>, store: String, _ configuration: HostConfiguration
  ) async throws -> Process {
    let (seen, log) = (Observed<[Int]>([]), LogCollector())
    var configuration = configuration
    configuration.store = store
    configuration.logger = Logger(level: .debug, sink: log.sink)
    let host = try await FunctionApp(hub.address.name) {
      Function("see", on: .event(of: hub, options: AppBroker.quick)) { event, _ in
        seen.update { $0.append(event.body) }
      }
    }.start(configuration)
    return Process(host: host, seen: seen, log: log)
  }

  private static func send(_ numbers: Range<Int>, to hub: HubName<Int>, _ process: Process) async throws {
    try await process.host.send(numbers.map { Outgoing($0, key: "k\($0 % 8)") }, to: hub)
  }

  @Test func `a second store is refused, processes nothing, and has the group once it is released`() async throws {
    try await AppBroker.rabbitMQ.run { name, configuration in
      let hub = HubName<Int>(name, partitions: 2)
      let store = try #require(configuration.store)
      let first = try await Self.start(hub, store: store, configuration)
      try await Self.send(0..<100, to: hub, first)
      try await first.seen.until("all are seen") { $0.count == 100 }
      let second = try await Self.start(hub, store: store + "2", configuration)
      let group = "the group '\(name)' of the hub '\(name)'"
      try await second.log.wait(for: "error cannot read hub:\(name), tries again: \(group)")
      try await Self.send(100..<200, to: hub, first)
      try await first.seen.until("all are seen, once") { $0.count == 200 }
      // Refused each time, said once.
      try await eventually("it is still the first one's") {
        try await second.host.operations(on: hub).binding(of: name) != nil
      }
      #expect(second.log.count("cannot read") == 1)
      #expect(second.seen.value.isEmpty)
      #expect(await first.host.drain())
      #expect(try await second.host.operations(on: hub).release(name))
      try await second.seen.until("the other one begins anew") { Set($0) == Set(0..<200) }
      #expect(await second.host.drain())
    }
  }

  @Test func `who loses the group while it works stops, and goes on when it has it again`() async throws {
    try await AppBroker.rabbitMQ.run { name, configuration in
      let hub = HubName<Int>(name, partitions: 2)
      let process = try await Self.start(hub, store: try #require(configuration.store), configuration)
      try await Self.send(0..<100, to: hub, process)
      try await process.seen.until("all are seen") { $0.count == 100 }
      let log = try #require(process.host.broker() as? any BindingEventLog)
      let operations = try process.host.operations(on: hub)
      let other = StoreIdentity(uuid: MessageIdentifier.random(), place: "elsewhere")
      try await eventually("the group is another store's") {
        try await operations.release(name)
        try? await log.bind(ConsumerGroup(hub: name, name: name), to: other)
        return try await operations.binding(of: name)?.uuid == other.uuid
      }
      let group = "the group '\(name)' of the hub '\(name)'"
      try await process.log.wait(for: "error gives up hub:\(name), asks again: \(group)")
      try await eventually("it owns nothing") {
        try await operations.group(name).partitions.allSatisfy { $0.owner == nil }
      }
      try await Self.send(100..<200, to: hub, process)
      #expect(process.seen.value.count == 100)
      try await operations.release(name)
      try await process.log.wait(for: "\(name)/\(name) is bound to its store again")
      try await process.seen.until("the rest is seen") { $0.count == 200 }
      #expect(process.log.count("gives up hub:") == 1)
      #expect(await process.host.drain())
    }
  }

  @Test func `two processes with a store in their memory do not both work`() async throws {
    try await AppBroker.rabbitMQ.run { name, configuration in
      let hub = HubName<Int>(name, partitions: 2)
      let first = try await Self.start(hub, store: "embedded:", configuration)
      try await Self.send(0..<100, to: hub, first)
      try await first.seen.until("all are seen") { $0.count == 100 }
      let second = try await Self.start(hub, store: "embedded:", configuration)
      try await second.log.wait(for: "in the memory of a process")
      #expect(second.seen.value.isEmpty)
      #expect(await first.host.drain())
      // Nothing has to be done by hand: its marker went with it.
      try await second.seen.until("the other one begins anew") { Set($0) == Set(0..<100) }
      #expect(await second.host.drain())
    }
  }
}
