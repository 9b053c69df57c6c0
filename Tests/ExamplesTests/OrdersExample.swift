import Foundation
import Glibc
import MartletTestKit
import TestServers

/// The order example, built as a user builds it, and the script that knows what it must print.
enum OrdersExample {
  /// What the example prints with `-o json`.
  struct Summary: Decodable, Equatable {
    var invoices: Int
    var cancellations: Int
    var net: Decimal
    var revenueByCountry: [String: Decimal]
    var deadLettered: Int
  }

  /// The folder of the package.
  static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
  private static let tests = URL(filePath: #filePath).deletingLastPathComponent().path

  private static let built = Task {
    let build = "swift build -c release --package-path '\(root)/Examples' --product orders 2>&1"
    try await run("/bin/sh", ["-c", build], within: .seconds(900))
    return "\(root)/Examples/.build/release/orders"
  }

  /// Starts the example; what it logs comes through `said` too, as lines of JSON.
  /// - Parameters:
  ///   - arguments: its command line.
  ///   - variables: `NAME=VALUE`, beside those of the test.
  static func start(_ arguments: [String], variables: [String] = []) async throws -> WorkerProcess {
    let command = ["/usr/bin/env"] + variables + [try await built.value] + arguments
    return try WorkerProcess("/bin/sh", arguments: ["-c", "exec \"$0\" \"$@\" 2>&1"] + command)
  }

  /// Waits until a first line went through the whole chain.
  static func isFlowing(_ process: WorkerProcess) async -> Bool {
    await process.next(where: { $0.contains("the first line is booked") }, until: .now + .seconds(60)) != nil
  }

  /// Waits for the end of an example that was started, and reads its summary.
  static func summary(of process: WorkerProcess, within limit: Duration = .seconds(120)) async throws -> Summary {
    let status = await process.end(until: .now + limit)
    let said = process.said
    guard status == 0, let line = said.last(where: { $0.contains("\"invoices\"") }) else {
      throw ConformanceFailure(
        "orders ended with \(status.map(String.init) ?? "nothing, in \(limit)"): \(said.suffix(5))")
    }
    return try JSONDecoder().decode(Summary.self, from: Data(line.utf8))
  }

  /// What the example must print for a file, by the script.
  static func recomputed(_ file: String, repetitions: Int = 1) async throws -> Summary {
    let line = try await run("/usr/bin/env", ["python3", "\(tests)/recompute.py", file, String(repetitions)])
    return try JSONDecoder().decode(Summary.self, from: Data(line.utf8))
  }

  /// The day that the example makes up, as a file.
  static func generated(seed: Int, lines: Int) async throws -> String {
    let text = try await run(built.value, ["--generate", "--seed", String(seed), "--lines", String(lines)])
    let file = "\(root)/Examples/.build/day-\(seed)-\(lines).csv"
    try Data((text + "\n").utf8).write(to: URL(filePath: file))
    return file
  }

  /// The files that it is tried with: one of bad lines, and those of `MARTLET_TEST_ORDERS`, a folder of real days.
  static var files: [String] {
    let folder = ProcessInfo.processInfo.environment["MARTLET_TEST_ORDERS"]
    let days = folder.flatMap { try? FileManager.default.contentsOfDirectory(atPath: $0) } ?? []
    return ["\(tests)/malformed.csv"] + days.filter { $0.hasSuffix(".csv") }.sorted().map { "\(folder ?? "")/\($0)" }
  }

  @discardableResult
  private static func run(
    _ executable: String, _ arguments: [String], within limit: Duration = .seconds(60)
  ) async throws -> String {
    let process = try WorkerProcess(executable, arguments: arguments)
    let status = await process.end(until: .now + limit)
    guard status == 0 else {
      throw ConformanceFailure("\(arguments) ended with \(status ?? -1): \(process.said.suffix(20))")
    }
    return process.said.joined(separator: "\n")
  }
}
