import MartletTestKit
import Testing

/// The queues of the example have fixed names, so on a shared server one run follows another.
@Suite(.serialized)
struct OrdersRunTests {
  @Test(arguments: ExampleBroker.allCases, OrdersExample.files)
  func isExact(_ broker: ExampleBroker, _ file: String) async throws {
    try await broker.withURL { url in
      let process = try await OrdersExample.start(["--input", file, "--broker", url, "-o", "json"])
      let summary = try await OrdersExample.summary(of: process)
      #expect(try await OrdersExample.recomputed(file) == summary)
    }
  }

  @Test(arguments: ExampleBroker.allCases)
  func isExactForADayThatItMakesUp(_ broker: ExampleBroker) async throws {
    let file = try await OrdersExample.generated(seed: 7, lines: 1000)
    try await broker.withURL { url in
      let arguments = ["--seed", "7", "--lines", "1000", "--repeat", "2", "--broker", url, "-o", "json"]
      let summary = try await OrdersExample.summary(of: OrdersExample.start(arguments))
      #expect(try await OrdersExample.recomputed(file, repetitions: 2) == summary)
    }
  }

  /// The first run is killed in the middle; what it has left waits in all the queues of the next.
  @Test(arguments: ExampleBroker.allCases)
  func isNotSpoiltByWhatAnInterruptedRunHasLeft(_ broker: ExampleBroker) async throws {
    let file = try await OrdersExample.generated(seed: 8, lines: 1000)
    try await broker.withURL { url in
      let arguments = ["--input", file, "--broker", url, "-o", "json"]
      let interrupted = try await OrdersExample.start(arguments + ["--latency", "100"])
      #expect(await OrdersExample.isFlowing(interrupted))
      interrupted.kill()
      let summary = try await OrdersExample.summary(of: OrdersExample.start(arguments))
      #expect(try await OrdersExample.recomputed(file) == summary)
    }
  }

  @Test func aLaterRunOnTheSameBrokerTakesOver() async throws {
    let file = try await OrdersExample.generated(seed: 1, lines: 500)
    try await ExampleBroker.embedded.withURL { url in
      let arguments = ["--lines", "500", "--latency", "50", "--broker", url, "-o", "json"]
      let first = try await OrdersExample.start(arguments + ["--pace", "50"])
      #expect(await OrdersExample.isFlowing(first))
      let second = try await OrdersExample.start(arguments)
      #expect(await first.end(until: .now + .seconds(60)) == 1)
      #expect(first.said.contains { $0.contains("has begun on this broker and takes over") })
      let summary = try await OrdersExample.summary(of: second)
      #expect(try await OrdersExample.recomputed(file) == summary)
    }
  }

  @Test(arguments: [
    (["--pace", "fast"], 64, "--pace is \"fast\""),
    (["--input", "/none.csv"], 64, "\"/none.csv\", which does not exist"),
    (["--input", "/"], 64, "a folder"), (["--input", "/etc/hostname"], 64, "no line has the 8 columns"),
    (["--broker", "kafka://h"], 78, "\"kafka\" is not known"), (["--brokre"], 64, "--brokre"),
    (["--worker", "--broker", "embedded:"], 64, "--worker cannot join"),
  ])
  func saysWhatIsWrong(_ arguments: [String], _ code: Int32, _ hint: String) async throws {
    let process = try await OrdersExample.start(arguments)
    #expect(await process.end(until: .now + .seconds(60)) == code)
    #expect(process.said.contains { $0.contains(hint) })
  }
}
