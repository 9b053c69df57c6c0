import Foundation
import MartletTestKit
import Testing

/// The example on hubs: the result is the same whoever does the work, and however often they are killed.
@Suite(.serialized) struct TelemetryTests {
  private static let made = ["--devices", "16", "--readings", "500", "--seed", "5"]

  @Test(arguments: ExampleBroker.allCases)
  func isExact(_ broker: ExampleBroker) async throws {
    let (result, work) = try await TelemetryExample.run(on: broker, Self.made)
    let expected = try await TelemetryExample.recomputed(Self.made)
    #expect(expected.devices == result.devices)
    #expect(result.devices.values.contains { $0.rejected > 0 })
    #expect(result.devices.values.contains { !$0.alerts.isEmpty })
    #expect(work.takeovers == 0)
    try await expectSameText(result)
  }

  @Test func isTheSameWithThreeWorkers() async throws {
    let (result, work) = try await TelemetryExample.run(on: .redis, Self.made + ["--workers", "3"])
    try await expectSameText(result)
    #expect(work.workers.values.count { $0.events > 0 } >= 3)
    #expect(work.takeovers == 0)
  }

  /// Byte for byte what one process prints that needs no server.
  private func expectSameText(_ result: TelemetryExample.Result) async throws {
    let (plain, _) = try await Self.plain.value
    #expect(result.text == plain.text)
  }

  private static let plain = Task { try await TelemetryExample.run(["--broker", "embedded:"] + made) }

  @Test(arguments: ExampleBroker.allCases)
  func isExactWhileItsWorkersAreKilled(_ broker: ExampleBroker) async throws {
    let chaos = ["--workers", "3", "--kill-every", "2", "--pace", "700"]
    let (result, work) = try await TelemetryExample.run(on: broker, Self.made + chaos)
    try await expectSameText(result)
    #expect(work.workers.values.count { $0.wasKilled } >= 3)
    #expect(work.takeovers >= 5)
    #expect(work.workers.values.count { $0.events > 0 } >= 3)
  }

  /// The labelled anomalies of a real machine; the folder of the readings is `MARTLET_TEST_SENSORS`.
  @Test(.enabled(if: ProcessInfo.processInfo.environment["MARTLET_TEST_SENSORS"] != nil))
  func findsTheAnomaliesOfARealMachine() async throws {
    let folder = try #require(ProcessInfo.processInfo.environment["MARTLET_TEST_SENSORS"])
    let name = "machine_temperature_system_failure"
    let file = "\(folder)/\(name).csv"
    let (result, _) = try await TelemetryExample.run(on: .redis, ["--input", file])
    let expected = try await TelemetryExample.recomputed(files: [file])
    #expect(expected.devices == result.devices)
    let alerts = try #require(result.devices["\(name)-1"]).alerts
    #expect(alerts.count == 12)
    #expect(alerts.filter { $0.hasPrefix("2013-12-15 2") }.count == 4)
    #expect(alerts.filter { $0.hasPrefix("2014-02-09 12:") }.count == 8)
  }
}
