import Foundation
import Glibc
import Martlet
import MartletTestKit
import Testing

/// An app whose broker is not there ends when it is told to, each in a process of its own.
struct AbsentBrokerTests {
  /// Nothing listens there.
  private static let brokers = ["redis://127.0.0.1:9", "amqp://127.0.0.1:9"]

  /// While it connects, and when it has given up to wait for that.
  @Test(arguments: brokers, ["not connected", "absent starts"])
  func `SIGTERM ends it with 0`(broker: String, line: String) async {
    await #expect(processExitsWith: .exitCode(0)) { [broker = broker as String, line = line as String] in
      let log = LogCollector()
      Task.detached {
        try await log.wait(for: line)
        let begin = ContinuousClock.now
        kill(getpid(), SIGTERM)
        try await log.wait(for: "absent has stopped")
        // Far below the drain's own limit, which the second signal would cut short with 1.
        if ContinuousClock.now - begin > .seconds(15) { kill(getpid(), SIGTERM) }
      }
      let app = FunctionApp("absent") { Function("f", on: .queue(QueueName<Int>("absent"))) { _, _ in } }
      exit(try await app.run(HostConfiguration(broker: broker, logger: Logger(sink: log.sink))) ? 0 : 1)
    }
  }

  @Test(arguments: brokers)
  func `SIGTERM ends the wait of what is sent`(broker: String) async {
    await #expect(processExitsWith: .exitCode(75)) { [broker = broker as String] in
      let log = LogCollector()
      let app = FunctionApp("absent") { Function("f", on: .queue(QueueName<Int>("absent"))) { _, _ in } }
      do {
        try await app.withHost(HostConfiguration(broker: broker, logger: Logger(sink: log.sink))) { host in
          kill(getpid(), SIGTERM)
          try await host.send(1, to: QueueName<Int>("absent"))
        }
      } catch is CancellationError {
        exit(75)
      }
    }
  }
}
