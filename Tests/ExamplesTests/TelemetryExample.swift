import Foundation
import MartletTestKit
import Testing

/// The telemetry example, built as a user builds it, and the script that knows what it must print.
enum TelemetryExample {
  /// What the example prints with `-o json`.
  struct Result: Decodable {
    struct Device: Decodable, Equatable {
      var readings: Int
      var rejected: Int
      var alerts: [String]
      var windows: Windows
    }
    struct Windows: Decodable, Equatable {
      var count: Int
      var late: Int
      var mean: Double?
      var min: Double?
      var max: Double?
    }
    var devices: [String: Device]
    /// The lines that are set aside, by device and in their order: the script's word for it.
    var dead: [String: [String]]?
    /// As it was printed.
    var text = ""

    private enum CodingKeys: CodingKey { case devices, dead }
  }

  /// What it says of the work, apart from the result.
  struct Work: Decodable {
    struct Worker: Decodable {
      var events: Int
      var wasKilled: Bool
    }
    var run: String
    var workers: [String: Worker]
    var takeovers: Int
    /// What the broker has as dead letters of the run.
    var letters = TelemetryLetters()

    private enum CodingKeys: CodingKey { case run, workers, takeovers }

    /// Owners were killed, each with a batch in hand, others went on with that, and nobody was there for nothing.
    func expectChaos() {
      #expect(workers.values.count { $0.wasKilled } >= 5, "\(self)")
      #expect(takeovers >= 5, "\(self)")
      #expect(workers.values.allSatisfy { $0.events > 0 }, "\(self)")
    }
  }

  private static let built = Task {
    let build = "swift build -c release --package-path '\(OrdersExample.root)/Examples' --product telemetry 2>&1"
    let process = try WorkerProcess("/bin/sh", arguments: ["-c", build])
    guard await process.end(until: .now + .seconds(900)) == 0 else {
      throw ConformanceFailure("the example does not build: \(process.said.suffix(20))")
    }
    return "\(OrdersExample.root)/Examples/.build/release/telemetry"
  }

  /// The store of all runs on RabbitMQ, which share a server: its groups have one.
  private static let store = FileManager.default.temporaryDirectory.path + "/martlet-telemetry-\(UUID())"

  /// Runs it to its end on a broker, with a store where the broker has none.
  static func run(
    on broker: ExampleBroker, _ arguments: [String], within limit: Duration = .seconds(200)
  ) async throws -> (Result, Work) {
    var outcome: (Result, Work)?
    try await broker.withURL { url in
      let store = broker == .rabbitMQ ? ["--store", "embedded:\(store)"] : []
      var (result, work) = try await run(["--broker", url] + store + arguments, within: limit)
      work.letters = try await TelemetryLetters(of: work.run, at: url)
      outcome = (result, work)
    }
    return try #require(outcome)
  }

  /// Runs it to its end.
  static func run(_ arguments: [String], within limit: Duration = .seconds(200)) async throws -> (Result, Work) {
    let command = [try await built.value] + arguments + ["-o", "json", "--log-level", "error"]
    let process = try WorkerProcess("/bin/sh", arguments: ["-c", "exec \"$0\" \"$@\" 2>&1"] + command)
    let status = await process.end(until: .now + limit)
    let said = process.said
    guard status == 0, let result = said.last(where: { $0.hasPrefix("{\"devices\"") }),
      let work = said.last(where: { $0.hasPrefix("{\"run\"") })
    else {
      throw ConformanceFailure(
        "telemetry ended with \(status.map(String.init) ?? "nothing, in \(limit)"): \(said.suffix(5))")
    }
    var decoded = try JSONDecoder().decode(Result.self, from: Data(result.utf8))
    decoded.text = result
    return (decoded, try JSONDecoder().decode(Work.self, from: Data(work.utf8)))
  }

  /// What it must print for readings that it makes up, by the script.
  static func recomputed(_ arguments: [String]) async throws -> Result {
    let script = "\(OrdersExample.root)/Tests/ExamplesTests/recompute_telemetry.py"
    return try await recomputed(
      by: "'\(built.value)' --generate \(arguments.joined(separator: " ")) | python3 '\(script)'")
  }

  /// What it must print for files of readings, each as one device.
  static func recomputed(files: [String]) async throws -> Result {
    let script = "\(OrdersExample.root)/Tests/ExamplesTests/recompute_telemetry.py"
    let lines = files.map { file in
      let name = URL(filePath: file).deletingPathExtension().lastPathComponent
      // The last line of a file may have no end.
      return "tail -n +2 '\(file)' | sed -e 's/^/\(name)-1,/' -e '$a\\'"
    }
    return try await recomputed(by: "{ \(lines.joined(separator: "; ")); } | python3 '\(script)'")
  }

  private static func recomputed(by command: String) async throws -> Result {
    let process = try WorkerProcess("/bin/sh", arguments: ["-c", command])
    guard await process.end(until: .now + .seconds(60)) == 0 else {
      throw ConformanceFailure("the script fails: \(process.said.suffix(5))")
    }
    return try JSONDecoder().decode(Result.self, from: Data(process.said.joined(separator: "\n").utf8))
  }
}
