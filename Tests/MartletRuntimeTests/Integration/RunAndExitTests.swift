import Foundation
import Glibc
import MartletCore
import MartletRuntime
import Testing

@testable import MartletTestKit

/// How a process ends, each in a process of its own.
struct RunAndExitTests {
  @Test func `a wrong configuration ends with 78`() async {
    await #expect(processExitsWith: .exitCode(78)) {
      let app = FunctionApp("test") { Function("1", on: .queue(.input)) { _, _ in } }
      await app.runAndExit({ HostConfiguration(broker: "embedded:") }, opening: TestApp.open)
    }
  }

  @Test func `what cannot be read ends with 1`() async {
    await #expect(processExitsWith: .exitCode(1)) {
      let app = FunctionApp("test") { Function("f", on: .queue(.input)) { _, _ in } }
      await app.runAndExit({ throw Scripted() }, opening: TestApp.open)
    }
  }

  @Test func `SIGTERM drains and ends with 0`() async throws {
    let directory = try await Self.seeded()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    await #expect(processExitsWith: .exitCode(0)) { [directory = directory as String] in
      let log = LogCollector()
      let app = FunctionApp("test") {
        Function("f", on: .queue(.input)) { _, _ in
          kill(getpid(), SIGTERM)
          // Still runs when the drain begins, and is waited for.
          try await log.wait(for: "test drains")
        }
      }
      let configuration = HostConfiguration(broker: "embedded:\(directory)", logger: Logger(sink: log.sink))
      await app.runAndExit({ configuration }, opening: TestApp.open)
    }
  }

  @Test func `a drain that cannot finish ends with 1`() async throws {
    let directory = try await Self.seeded()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    await #expect(processExitsWith: .exitCode(1)) { [directory = directory as String] in
      let app = FunctionApp("test") {
        Function("f", on: .queue(.input)) { _, _ in
          kill(getpid(), SIGTERM)
          // Never resumed: the cancellation does not reach it.
          await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in }
        }
      }
      let configuration = HostConfiguration(
        broker: "embedded:\(directory)", drainTimeout: .milliseconds(100), logger: Logger(sink: .discard))
      await app.runAndExit({ configuration }, opening: TestApp.open)
    }
  }

  @Test func `a second signal ends at once with 1`() async throws {
    let directory = try await Self.seeded()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    await #expect(processExitsWith: .exitCode(1)) { [directory = directory as String] in
      let log = LogCollector()
      let app = FunctionApp("test") {
        Function("f", on: .queue(.input)) { _, _ in
          kill(getpid(), SIGINT)
          try await log.wait(for: "test drains")
          kill(getpid(), SIGINT)
          await untilCancelled()
          // The drain has come to its end: it was not the signal.
          exit(42)
        }
      }
      let configuration = HostConfiguration(broker: "embedded:\(directory)", logger: Logger(sink: log.sink))
      await app.runAndExit({ configuration }, opening: TestApp.open)
    }
  }

  /// A store in which one message waits.
  private static func seeded() async throws -> String {
    let directory = FileManager.default.temporaryDirectory.appending(path: "martlet-exit-\(UUID().uuidString)").path()
    let app = FunctionApp("seed") { Function("none", on: .queue(.output)) { _, _ in } }
    let configuration = HostConfiguration(broker: "embedded:\(directory)", logger: Logger(sink: .discard))
    let host = try await app.start(configuration, opening: TestApp.open)
    try await host.send("x", to: .input)
    _ = await host.drain()
    return directory
  }
}
