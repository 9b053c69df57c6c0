import Martlet
import Testing

@testable import MartletTestKit

/// Repeats of events, as senders without an atomic commit make them, in an app on every broker.
struct HubDeduplicationTests {
  @Test(arguments: AppBroker.installed)
  func `repeats of an event are dropped, also by the next process`(broker: AppBroker) async throws {
    try await broker.run { name, configuration in
      let hub = HubName<String>(name, partitions: 2)
      let totals = Observed<[String: Int]>([:])
      let app = FunctionApp(name) {
        Function(
          "count", on: .event(of: hub, lanes: 4, deduplicate: .seconds(600), options: AppBroker.quick),
          state: .keyed(Int.self)
        ) { event, total, _ in
          let next = (total ?? 0) + 1
          total = next
          totals.update { $0[event.key ?? ""] = next }
        }
      }
      func send(_ numbers: Range<Int>, on host: FunctionHost) async throws {
        let events = numbers.map {
          OutgoingMessage(to: .hub(name), body: Bytes("\($0)"), id: "e\($0)", key: "k\($0 % 8)")
        }
        try await (try #require(host.broker())).publish(events)
      }
      func finish(_ host: FunctionHost, count: Int, repeats: Int) async throws {
        try await eventually("nothing waits") {
          try await host.operations(on: hub).groups().first { $0.group.name == name }?.lag == 0
        }
        #expect(totals.value.values.reduce(0, +) == count)
        #expect(try #require(host.eventCounts(of: "count")).repeated >= repeats)
      }
      try await app.run(configuration) { host in
        try await send(0..<100, on: host)
        try await send(0..<100, on: host)
        try await finish(host, count: 100, repeats: 100)
      }
      try await app.run(configuration) { host in
        try await send(0..<120, on: host)
        try await finish(host, count: 120, repeats: 100)
        // Whoever moves a group wants the events again.
        try await host.operations(on: hub).rewind(name, to: .start)
        try await totals.until("each event runs once more") { $0.values.reduce(0, +) == 240 }
        try await finish(host, count: 240, repeats: 300)
      }
    }
  }
}
