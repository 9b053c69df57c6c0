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
    #expect(work.letters.repeats == 0)
    expectLetters(work.letters, expected)
    try await expectSameText(result)
  }

  /// What was set aside is what the script sets aside, line by line.
  private func expectLetters(_ letters: TelemetryLetters, _ expected: TelemetryExample.Result) {
    #expect(letters.lines == expected.dead?.filter { !$0.value.isEmpty })
    #expect(letters.faults == [])
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
    // What the dead had is somebody else's soon, so that the run is short.
    let file = FileManager.default.temporaryDirectory.path + "/martlet-telemetry-\(UUID()).json"
    let options = #"{"extensions": {"eventHubs": {"partitionOwnershipExpirationInterval": "00:00:03"}}}"#
    try options.write(toFile: file, atomically: true, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: file) }
    let chaos = ["--workers", "3", "--kill-every", "1", "--pace", "550", "--host-json", file]
    let (result, work) = try await TelemetryExample.run(on: broker, Self.made + chaos)
    try await expectSameText(result)
    work.expectChaos()
    expectLetters(work.letters, try await TelemetryExample.recomputed(Self.made))
    // Outputs on RabbitMQ leave before the checkpoint.
    if broker != .rabbitMQ { #expect(work.letters.repeats == 0) }
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
    let times =
      ["20:35", "20:55", "21:00", "21:05"].map { "2013-12-15 \($0):00" }
      + stride(from: 0, through: 35, by: 5).map { "2014-02-09 12:\($0 < 10 ? "0" : "")\($0):00" }
    #expect(alerts == times)
    let labels = try JSONDecoder().decode(
      [String: [[String]]].self, from: Data(contentsOf: URL(filePath: "\(folder)/anomaly_windows.json")))
    let windows = try #require(labels["\(name).csv"])
    #expect(alerts.allSatisfy { time in windows.contains { $0[0] <= time && time <= $0[1] } })
  }

  /// Lines that files have seldom: a reading of an hour that is over, one that comes twice, and some that are none.
  @Test func lateRepeatedAndBrokenLinesFollowTheRule() async throws {
    let name = "lines-\(UUID())"
    let file = FileManager.default.temporaryDirectory.path + "/\(name).csv"
    defer { try? FileManager.default.removeItem(atPath: file) }
    let lines = """
      timestamp,value
      2024-03-01 10:10:00,1.0
      2024-03-01 10:50:00,3.0
      2024-03-01 10:50:00,3.0
      2024-03-01 10:55:00,
      2024-03-01 11:05:00,5
      2024-03-01 10:59:00,100
      2024-03-01 11:15,7
      none,9
      2024-03-01 11:20:00,NaN
      2024-03-01 12:00:00,-2.5
      """
    try lines.write(toFile: file, atomically: true, encoding: .utf8)
    let (result, _) = try await TelemetryExample.run(["--broker", "embedded:", "--input", file])
    let device = try #require(result.devices["\(name)-1"])
    #expect((device.readings, device.rejected) == (6, 4))
    #expect((device.windows.count, device.windows.late) == (3, 1))
    #expect((device.windows.min, device.windows.max) == (-2.5, 5))
    #expect(result.devices == (try await TelemetryExample.recomputed(files: [file])).devices)
  }
}
