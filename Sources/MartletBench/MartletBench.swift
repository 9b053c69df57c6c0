import Foundation
import Glibc
import Martlet

/// `martlet-bench`: Martlet beside a plain-C program that does the same work, in the same run.
@main
struct MartletBench {
  static func main() async {
    let words = Array(CommandLine.arguments.dropFirst())
    if Arguments.wantHelp(words) { return print(Arguments.usage) }
    do {
      let arguments = try Arguments(words)
      guard let url = arguments.broker ?? ProcessInfo.processInfo.environment["MARTLET_BROKER"] else {
        throw UsageError("--broker is missing, and MARTLET_BROKER is not set")
      }
      let target = try Target(url)
      guard let side = arguments.side else {
        let result = try await Benchmark(arguments, target).run()
        print(Report.write(result))
        exit(result.invalidReason == nil ? 0 : 1)
      }
      let cost = try await run(side, arguments, target)
      print(String(decoding: try JSONEncoder().encode(cost), as: UTF8.self))
    } catch let error as UsageError {
      end(64, "\(error)\n\(Arguments.usage)")
    } catch {
      end(1, "\(error)")
    }
  }

  /// One side's work, in this process.
  private static func run(_ side: Side, _ arguments: Arguments, _ target: Target) async throws -> SideCost {
    let messages = arguments.messages ?? 0
    return switch side {
    case .baseline: Baseline.run(arguments, target, messages: messages)
    case .edge: try await EdgeSide(arguments, target, messages: messages).run()
    case .runtime:
      try await MartletSide(arguments, target, messages: messages).run { app, configuration in
        try await app.start(configuration) { _, _ in MemoryBroker(arguments, messages: messages) }
      }
    case .martlet: try await MartletSide(arguments, target, messages: messages).run()
    }
  }

  private static func end(_ code: Int32, _ message: String) -> Never {
    FileHandle.standardError.write(Data("martlet-bench: \(message)\n".utf8))
    exit(code)
  }
}
