import Foundation
import Testing

/// All readings of six real sensors, each as twenty devices: the same bytes on every broker, for one worker, for three,
/// and for three of which an owner is killed every few seconds. The folder of the readings is `MARTLET_TEST_SENSORS`.
@Suite(.serialized) struct TelemetryFilesTests {
  private static let variables = ProcessInfo.processInfo.environment
  private static let folder = variables["MARTLET_TEST_SENSORS"]
  private static let isWanted = variables["MARTLET_TEST_FULL"] != nil && folder != nil
  private static let devicesPerFile = 20

  enum Workers: String, CaseIterable, CustomTestStringConvertible {
    case one, three, threeThatAreKilled

    var arguments: [String] {
      switch self {
      case .one: ["--workers", "1"]
      case .three: ["--workers", "3"]
      // Nobody is killed any more when three quarters of the lines are sent: at this pace, after some 40 s at the soonest.
      case .threeThatAreKilled: ["--workers", "3", "--kill-every", "4", "--pace", "15000"]
      }
    }

    var testDescription: String { rawValue }
  }

  /// What is printed where no server is needed, and no other process.
  private static let plain = Task {
    try await TelemetryExample.run(["--broker", "embedded:"] + input(), within: .seconds(900)).0
  }

  /// What the script sets aside of each file, for each of its devices.
  private static let rejected = Task {
    let folder = try #require(Self.folder)
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".csv") }
    let dead = try await TelemetryExample.recomputed(files: files.map { "\(folder)/\($0)" }).dead ?? [:]
    return dead.reduce(into: [String: [String]]()) { all, sensor in
      for copy in 1...devicesPerFile where !sensor.value.isEmpty {
        all["\(sensor.key.dropLast(2))-\(copy)"] = sensor.value
      }
    }
  }

  private static func input() throws -> [String] {
    ["--input", try #require(folder), "--devices-per-file", "\(devicesPerFile)"]
  }

  @Test(.enabled(if: isWanted))
  func isWhatTheScriptComputes() async throws {
    let folder = try #require(Self.folder)
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".csv") }
    #expect(files.count == 6)
    let expected = try await TelemetryExample.recomputed(files: files.map { "\(folder)/\($0)" })
    let result = try await Self.plain.value
    #expect(result.devices.count == files.count * Self.devicesPerFile)
    for (device, found) in result.devices {
      let sensor = device.prefix { $0 != "-" }
      #expect(found == expected.devices["\(sensor)-1"], "\(device)")
    }
  }

  @Test(.enabled(if: isWanted), arguments: ExampleBroker.allCases, Workers.allCases)
  func isTheSame(_ broker: ExampleBroker, _ workers: Workers) async throws {
    let (result, work) = try await TelemetryExample.run(
      on: broker, try Self.input() + workers.arguments, within: .seconds(900))
    #expect(result.text == (try await Self.plain.value).text)
    #expect(work.letters.lines == (try await Self.rejected.value))
    #expect(work.letters.faults == [])
    guard workers == .threeThatAreKilled else { return #expect(work.takeovers == 0) }
    work.expectChaos()
  }
}
