import Foundation

/// Starts this program again as one side.
enum SideProcess {
  /// Runs a side to its end. What it writes to stderr goes to ours.
  /// - Throws: `BenchmarkFailure` if it does not end with a result.
  static func run(_ side: Side, _ arguments: Arguments, _ target: Target, messages: Int) throws -> SideCost {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = [
      arguments.scenario.rawValue, "--side", side.rawValue, "--payload", arguments.payload.rawValue,
      "--body", String(arguments.bodyBytes), "--messages", String(messages), "--from", arguments.input,
      "--to", arguments.output, "--partitions", String(arguments.partitions), "--trigger", arguments.trigger.rawValue,
    ]
    if let store = arguments.store { process.arguments?.append(contentsOf: ["--store", "embedded:\(store)"]) }
    if let pid = arguments.brokerPID { process.arguments?.append(contentsOf: ["--broker-pid", String(pid)]) }
    // Not as an argument: it may hold a password, which every process of the machine could read.
    process.environment = ProcessInfo.processInfo.environment.merging(["MARTLET_BROKER": target.url]) { $1 }
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0, let cost = try? JSONDecoder().decode(SideCost.self, from: data) else {
      throw BenchmarkFailure("the \(side.rawValue) side failed with exit code \(process.terminationStatus)")
    }
    return cost
  }
}

/// A run that came to no result.
struct BenchmarkFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
