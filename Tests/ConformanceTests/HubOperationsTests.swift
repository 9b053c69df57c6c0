import Foundation
import Martlet
import Testing

@testable import MartletTestKit

/// An operator moves groups while their app runs, on every broker.
struct HubOperationsTests {
  private struct Seen: Sendable {
    let number: Int
    let partition: Int
    let epoch: UInt64
  }

  private struct Stuck: Error {}

  @Test(arguments: AppBroker.installed)
  func `a group that is moved while it runs processes everything again, and nothing is lost`(
    broker: AppBroker
  ) async throws {
    try await broker.run { name, configuration in
      let hub = HubName<Int>(name, partitions: 2)
      let seen = Observed<[Seen]>([])
      let app = FunctionApp(name) {
        Function("see", on: .eventHub(hub, maxEventBatchSize: 20, lanes: 4, options: AppBroker.quick)) {
          batch, context in
          let place = context.partition
          seen.update { seen in
            seen += batch.map { Seen(number: $0.body, partition: place?.number ?? 0, epoch: place?.epoch ?? 0) }
          }
        }
      }
      try await app.run(configuration) { host in
        let operations = try host.operations(on: hub)
        func send(_ numbers: Range<Int>) async throws {
          try await host.send(numbers.map { Outgoing($0, key: "k\($0 % 16)") }, to: hub)
        }
        try await send(0..<500)
        try await seen.until("the group is at work in both partitions") { seen in
          seen.count > 200 && Set(seen.map(\.partition)).count == 2
        }
        let epochs = try await operations.group(name).partitions.map(\.epoch)
        async let rest: Void = send(500..<600)
        try await operations.rewind(name, to: .start)
        try await rest
        try await seen.until("everything is processed under an owner that came after the move") { seen in
          Set(seen.filter { $0.epoch > epochs[$0.partition] }.map(\.number)) == Set(0..<600)
        }
        try await eventually("nothing waits") { try await operations.group(name).lag == 0 }

        // To a time in the middle. AMQP's times are whole seconds: what follows comes in another one.
        let time = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down) + 1)
        try await eventually("the clock has come to \(time)") { Date() >= time }
        let before = try await operations.group(name).partitions.map(\.epoch)
        try await send(600..<900)
        try await seen.until("the group is at work behind that time") { $0.contains { $0.number >= 600 } }
        try await operations.rewind(name, to: .enqueuedTime(time))
        try await seen.until("all from that time on is processed under an owner that came after the move") { seen in
          Set(seen.filter { $0.epoch > before[$0.partition] }.map(\.number)).isSuperset(of: 600..<900)
        }
        try await eventually("nothing waits") { try await operations.group(name).lag == 0 }
        #expect(seen.value.filter { $0.epoch > before[$0.partition] && $0.number < 600 }.map(\.number) == [])
      }
    }
  }

  @Test(arguments: AppBroker.installed)
  func `an event that blocks its partition is left out while the group runs`(broker: AppBroker) async throws {
    try await broker.run { name, configuration in
      let hub = HubName<Int>(name, partitions: 1)
      let seen = Observed<[Int]>([])
      let failures = Observed(0)
      let block = EventFailure.retry(.fixedDelay(maxRetryCount: 0, delayInterval: .milliseconds(20)), then: .block)
      let app = FunctionApp(name) {
        Function("see", on: .event(of: hub, onFailure: block, options: AppBroker.quick)) { event, _ in
          if event.body == 13 {
            failures.update { $0 += 1 }
            throw Stuck()
          }
          seen.update { $0.append(event.body) }
        }
      }
      try await app.run(configuration) { host in
        let operations = try host.operations(on: hub)
        try await host.send((0..<30).map { Outgoing($0, key: "k") }, to: hub)
        try await failures.until("the event is tried again and again") { $0 > 3 }
        try await eventually("all before it are committed") { try await operations.group(name).lag == 17 }
        let lag = try await operations.group(name).partitions[0].lag
        let offset = try #require(lag.oldest)
        #expect(try #require(lag.age()) < .seconds(120))
        #expect(try await operations.skip(offset, partition: 0, of: name))
        try await seen.until("all others are processed") { Set($0) == Set(0..<30).subtracting([13]) }
        try await eventually("nothing waits") { try await operations.group(name).lag == 0 }
        #expect(try await !operations.skip(offset, partition: 0, of: name))
        let tries = failures.value
        try await host.send([Outgoing(30, key: "k")], to: hub)
        try await seen.until("the group goes on") { $0.contains(30) }
        #expect(failures.value == tries)
        #expect(seen.value == Array(0..<13) + Array(14...30))
      }
    }
  }

  @Test(arguments: AppBroker.installed)
  func `a hub that a function only sends to by hand is made as its name says`(broker: AppBroker) async throws {
    try await broker.run { name, configuration in
      let (source, target) = (HubName<Int>("\(name)-in", partitions: 1), HubName<Int>(name, partitions: 6))
      let app = FunctionApp(name) {
        Function("copy", on: .event(of: source, options: AppBroker.quick)) { event, context in
          try context.send(Outgoing(event.body, key: event.key), to: target)
        }
      }
      try await app.run(configuration) { host in
        try await host.send([Outgoing(1, key: "k")], to: source)
        let log = try #require(host.broker() as? any EventLog)
        try await eventually("the event is there") {
          try await log.bounds(of: name).contains { $0.last != nil }
        }
        #expect(try await log.partitionCount(of: name) == 6)
        try await log.delete(hub: source.address.name)
      }
    }
  }
}
