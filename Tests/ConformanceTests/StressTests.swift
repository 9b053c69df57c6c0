import Foundation
import Martlet
import MartletTestKit
import TestServers
import Testing

private let copies = ProcessInfo.processInfo.environment["MARTLET_TEST_STRESS"].flatMap { Int($0) } ?? 0

/// The whole suite many times at once on one broker: what holds alone must hold in a crowd. `MARTLET_TEST_STRESS` says
/// how many times; without it these tests are left out, since they slow everything beside them.
@Suite(.serialized, .enabled(if: copies > 0)) struct StressTests {
  @Test func redis() async throws {
    try await run(BrokerConformance.redis(at: SharedServer.redisURL(), pace: .crowded))
  }

  @Test func rabbitMQ() async throws {
    try await run(BrokerConformance.rabbitMQ(at: SharedServer.rabbitMQURL(), pace: .crowded))
  }

  @Test func embedded() async throws {
    try await withTemporaryDirectory { directory in
      await run(BrokerConformance.embedded(at: "embedded:\(directory)", pace: .crowded))
    }
  }

  @Test func embeddedHubs() async throws {
    try await withTemporaryDirectory { directory in
      await run(HubConformance.embedded(at: "embedded:\(directory)", pace: .crowded))
    }
  }

  private func run(_ suite: BrokerConformance) async {
    await run(
      suite.cases.filter { !$0.isDisruptive }.map { testCase in
        Trial(name: testCase.name) { try await suite.run(testCase) }
      })
  }

  private func run(_ suite: HubConformance) async {
    await run(
      suite.cases.filter { !$0.isDisruptive }.map { testCase in
        Trial(name: testCase.name) { try await suite.run(testCase) }
      })
  }

  /// Runs every case as often as asked, twenty at a time, and reports each that fails.
  private func run(_ cases: [Trial]) async {
    let trials = Array(repeatElement(cases, count: copies).joined())
    let next = Counter()
    await withTaskGroup { group in
      for _ in 0..<20 {
        group.addTask {
          while let trial = Self.take(next, of: trials) {
            do {
              try await trial.run()
            } catch {
              Issue.record("\(trial.name): \(error)")
            }
          }
        }
      }
    }
  }

  private struct Trial: Sendable {
    let name: String
    let run: @Sendable () async throws -> Void
  }

  private final class Counter: Sendable {
    let value = Locked(0)
  }

  private static func take(_ next: Counter, of trials: [Trial]) -> Trial? {
    let index = next.value.withLock { value in
      defer { value += 1 }
      return value
    }
    return index < trials.count ? trials[index] : nil
  }
}
