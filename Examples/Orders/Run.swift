import Foundation
import Martlet

/// One day through the shop: sends the lines and waits until each is booked or set aside.
struct Run {
  let host: FunctionHost
  let ledger: Ledger
  let report: Report
  /// Lines per second; nil is as fast as can be.
  let pace: Double?

  /// - Returns: the summary, exact: every line counts once.
  func process(_ day: Day) async throws -> Summary {
    try await withThrowingTaskGroup(of: Summary?.self) { tasks in
      tasks.addTask {
        try await send(day)
        return nil
      }
      tasks.addTask { try await summarize(lines: day.count) }
      for try await case let summary? in tasks { return summary }
      throw CancellationError()
    }
  }

  private func send(_ day: Day) async throws {
    let start = ContinuousClock.now
    let chunk = pace.map { max(1, Int($0 / 10)) } ?? 500
    for first in stride(from: 0, to: day.count, by: chunk) {
      if let pace { try await Task.sleep(until: start + .seconds(Double(first) / pace)) }
      let lines = (first..<min(first + chunk, day.count)).map { position in
        let origin = Origin(run: ledger.run, line: position + 1)
        return Outgoing(Line(origin: origin, text: day[position]), messageID: "\(origin.run)/\(origin.line)")
      }
      try await patiently { try await host.send(lines, to: .lines) }
    }
  }

  private func summarize(lines count: Int) async throws -> Summary {
    var report = report
    var setAside: Set<Int> = []
    var (known, lastChange) = (0, ContinuousClock.now)
    while true {
      if let successor = await ledger.successor { throw RunError.overtaken(by: successor) }
      let booked = await ledger.lines
      if booked.count > known {
        (known, lastChange) = (booked.count, .now)
      } else if lastChange.duration(to: .now) > .seconds(1) {
        // Nothing new: the rest is on its way, or was set aside.
        setAside = try await patiently { try await deadLines() }
        lastChange = .now
      }
      var summary = await ledger.summary
      summary.deadLettered = setAside.subtracting(booked).count
      let isComplete = booked.count + summary.deadLettered == count
      report.progress(summary, booked: booked.count, of: count, latest: await ledger.latest)
      if isComplete {
        report.logger.log(.information, "the day is complete", LogField("redeliveries", await ledger.redeliveries))
        return summary
      }
      try await Task.sleep(for: .milliseconds(100))
    }
  }

  /// The lines of this run that were set aside, whichever function gave them up.
  private func deadLines() async throws -> Set<Int> {
    guard let broker = host.broker() as? any BrokerAdministration else { throw RunError.noDeadLetters }
    var lines: Set<Int> = []
    for queue in Shop.queues {
      let count = try await broker.counts(of: queue).dead
      for letter in try await broker.deadLetters(of: queue, limit: count) {
        guard let message = try? JSON.decode(AnyMessage.self, from: letter.message.body) else { continue }
        if message.origin.run == ledger.run { lines.insert(message.origin.line) }
      }
    }
    return lines
  }

  /// Tries again as long as the broker says that waiting helps. What is sent twice has the same ids, and counts once.
  private func patiently<Result>(_ work: () async throws -> Result) async throws -> Result {
    while true {
      do { return try await work() } catch let error as BrokerError where error.isRetriable {
        try await Task.sleep(for: .seconds(1))
      }
    }
  }

  /// What all messages of the chain have.
  private struct AnyMessage: Decodable { let origin: Origin }
}

/// Why a run ends without a summary.
enum RunError: Error, CustomStringConvertible {
  case overtaken(by: String)
  case noDeadLetters

  var description: String {
    switch self {
    case .overtaken(let run):
      "another run (\(run)) has begun on this broker and takes over; give each its own file, database or vhost"
    case .noDeadLetters: "this broker does not show its dead letters, so it cannot be known when all is processed"
    }
  }
}
