import Martlet

/// Commits whatever comes to a receiver, with one output each, until it is ended.
final class Pipe: Sendable {
  private let task: Task<Void, Never>
  private let problem = Observed<(any Error)?>(nil)

  init(_ receiver: Receiver, to output: String) {
    task = Task { [problem] in
      do {
        while !Task.isCancelled {
          let batch = await receiver.batch(until: .now + .milliseconds(100))
          // Commits that answer `ownershipLost` need nothing: their inputs come again.
          if !batch.isEmpty, case .refused(let errors) = try await receiver.commit(.piping(batch, to: output)) {
            throw ConformanceFailure("a commit was refused: \(errors)")
          }
        }
      } catch {
        problem.update { $0 = error }
      }
    }
  }

  /// Throws what ended it.
  func check() throws {
    if let problem = problem.value { throw problem }
  }

  func end() async throws {
    task.cancel()
    await task.value
    try check()
  }
}

extension Trial {
  /// The counts of a queue, without those that the broker does not know for each queue.
  func counts(of queue: String, on broker: any BrokerAdministration) async throws -> QueueCounts {
    var counts = try await broker.counts(of: queue)
    if !features.countsDelayed { counts.delayed = 0 }
    return counts
  }

  /// Waits until nothing of a queue is left.
  func becomesEmpty(_ queue: String, on broker: any BrokerAdministration) async throws {
    do {
      try await eventually("") { try await counts(of: queue, on: broker) == QueueCounts() }
    } catch is ConformanceFailure {
      throw ConformanceFailure("\(queue) should become empty in time; it holds \(try await broker.counts(of: queue))")
    }
  }

  /// Holds that a queue has these messages, or gets them: each once where the broker's commit is atomic (and nothing
  /// else is said), each at least once, under the same id, otherwise.
  /// - Parameters:
  ///   - mayRepeat: ids that belong to it as well, and may have come more than once on any broker.
  ///   - pipe: what sends them; it is ended when all are there and `input` is empty.
  func expectOutputs(
    _ ids: [String], in queue: String, of broker: any BrokerAdministration, exactlyOnce: Bool? = nil,
    mayRepeat: Set<String> = [], from pipe: Pipe? = nil, emptying input: String? = nil
  ) async throws {
    let receiver = try await receiver(broker, on: queue, prefetch: 200)
    let expected = Set(ids).union(mayRepeat)
    var found: [String: Int] = [:]
    let deadline = deadline
    while found.count < expected.count, ContinuousClock.now < deadline {
      try pipe?.check()
      try await receiver.count(until: .now + .milliseconds(200), in: &found)
    }
    let missing = expected.subtracting(found.keys).sorted()
    try expect(missing.isEmpty, "\(missing.count) of \(expected.count) messages are lost: \(missing.prefix(10))")
    if let input { try await becomesEmpty(input, on: broker) }
    try await pipe?.end()
    // A moment longer, for what should not be there.
    while try await receiver.count(until: .now + .milliseconds(300), in: &found) {}
    await receiver.close()
    let strangers = Set(found.keys).subtracting(expected).sorted()
    try expect(strangers.isEmpty, "\(strangers.count) messages were never sent: \(strangers.prefix(10))")
    guard exactlyOnce ?? features.hasAtomicCommit else { return }
    let repeated = found.filter { $0.value > 1 && !mayRepeat.contains($0.key) }.keys.sorted()
    try expect(repeated.isEmpty, "\(repeated.count) messages are there more than once: \(repeated.prefix(10))")
  }
}

extension Receiver {
  /// Completes what comes first and counts its ids; false where nothing came until the deadline.
  @discardableResult
  fileprivate func count(until deadline: ContinuousClock.Instant, in found: inout [String: Int]) async throws -> Bool {
    let batch = await batch(until: deadline)
    for id in batch.ids { found[id, default: 0] += 1 }
    if !batch.isEmpty { try await settle(batch.map { .complete($0.receipt) }) }
    return !batch.isEmpty
  }
}
