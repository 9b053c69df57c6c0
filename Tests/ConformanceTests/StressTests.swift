import Foundation
import Martlet
import MartletTestKit
import TestServers
import Testing

private let copies = ProcessInfo.processInfo.environment["MARTLET_TEST_STRESS"].flatMap { Int($0) } ?? 0

/// The whole suite many times at once on one broker: what holds alone must hold in a crowd. `MARTLET_TEST_STRESS` says
/// how many times; without it these tests are left out, since they slow everything beside them.
@Suite(.serialized, .enabled(if: copies > 0)) struct StressTests {
  @Test func redis() async throws { try await run(.redis(at: SharedServer.redisURL(), pace: .crowded)) }

  @Test func rabbitMQ() async throws { try await run(.rabbitMQ(at: SharedServer.rabbitMQURL(), pace: .crowded)) }

  @Test func embedded() async throws {
    try await withTemporaryDirectory { directory in
      try await run(.embedded(at: "embedded:\(directory)", pace: .crowded))
    }
  }

  /// Runs every case as often as asked, twenty at a time, and reports each that fails.
  private func run(_ suite: BrokerConformance) async throws {
    let trials = (1...copies).flatMap { copy in
      suite.cases.filter { !$0.isDisruptive }.map { Trial(testCase: $0, copy: copy) }
    }
    let next = Counter()
    await withTaskGroup { group in
      for _ in 0..<20 {
        group.addTask {
          while let trial = Self.take(next, of: trials) {
            do {
              try await suite.run(trial.testCase)
            } catch {
              Issue.record("\(trial.testCase), copy \(trial.copy): \(error)")
            }
          }
        }
      }
    }
  }

  private struct Trial: Sendable {
    let testCase: BrokerConformance.Case
    let copy: Int
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
