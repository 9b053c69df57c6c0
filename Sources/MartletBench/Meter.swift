import CBaseline
import Martlet
import Synchronization

/// Measures from the first message to the last.
final class Meter: Sendable {
  private let messages: Int
  private let brokerPID: Int32
  private let seen = Atomic(0)
  private let started = Locked<baseline_meter?>(nil)
  private let cost: AsyncStream<Result<SideCost, BenchmarkFailure>>
  private let found: AsyncStream<Result<SideCost, BenchmarkFailure>>.Continuation

  init(_ arguments: Arguments, messages: Int) {
    self.messages = messages
    brokerPID = Int32(arguments.brokerPID ?? 0)
    (cost, found) = AsyncStream.makeStream(of: Result<SideCost, BenchmarkFailure>.self)
  }

  func start() { started.withLock { $0 = baseline_meter_start(brokerPID) } }

  /// Messages were handled.
  func count(_ count: Int = 1) {
    let number = seen.add(count, ordering: .relaxed).newValue
    if number == count { start() }
    if number >= messages, number - count < messages { stop() }
  }

  func stop() {
    guard var meter = started.withLock({ $0 }) else { return }
    found.yield(.success(SideCost(baseline_meter_stop(&meter), messages: messages)))
  }

  /// The run has failed.
  func fail(_ reason: String) { found.yield(.failure(BenchmarkFailure(reason))) }

  /// The result, once there is one.
  func result() async throws -> SideCost {
    for await result in cost { return try result.get() }
    throw BenchmarkFailure("the run was cancelled")
  }
}
