import Foundation
import MartletTestKit
import Testing

/// Side by side on all brokers: each run takes its time, and little else.
@Suite
struct KilledWorkersTests {
  /// A day of more than 30 s, worked on by the process that sums up and by three workers, of which one is killed and
  /// replaced whenever a part of the day is booked.
  @Test(arguments: ExampleBroker.allCases)
  func isExactThoughWorkersAreKilled(_ broker: ExampleBroker) async throws {
    let realDay = OrdersExample.files.first { $0.hasSuffix("2010-12-01.csv") }
    let madeUpDay = try await OrdersExample.generated(seed: 1, lines: 3000)
    try await broker.withOwnURL { url in try await work(on: realDay ?? madeUpDay, url) }
  }

  private func work(on file: String, _ url: String) async throws {
    // Asking for a price takes so long, and so few are asked for at once, that all processes are needed and each holds
    // several lines at any moment.
    let common = ["--broker", url, "--latency", "250"]
    let variables = ["maxConcurrentCalls", "prefetchCount"]
      .map { "AzureFunctionsJobHost__martlet__functions__price__\($0)=8" }
    let arguments = common + ["--input", file, "--pace", "85", "-o", "json"]
    let day = try await OrdersExample.start(arguments, variables: variables)
    func worker() async throws -> WorkerProcess {
      try await OrdersExample.start(common + ["--worker"], variables: variables)
    }
    var workers = [try await worker(), try await worker(), try await worker()]

    var kills = 0
    for part in 1...14 {
      let isReached: @Sendable (String) -> Bool = { line in (Event(line)?.booked ?? 0) >= part * 200 }
      guard await day.next(where: isReached, until: .now + .seconds(60)) != nil, day.isRunning else { break }
      workers.removeFirst().kill()
      kills += 1
      workers.append(try await worker())
    }
    let summary = try await OrdersExample.summary(of: day)
    #expect(try await OrdersExample.recomputed(file) == summary)

    let log = day.said.compactMap(Event.init)
    let first = try #require(log.first { $0.message == "the first line is booked" })
    let last = try #require(log.first { $0.message == "the day is complete" })
    #expect(kills >= 10, "killed \(kills) workers")
    #expect(last.time.timeIntervalSince(first.time) >= 30)
    #expect(try #require(last.redeliveries) > 0, "no worker held a line when it was killed")
    for worker in workers {
      worker.signal(SIGTERM)
      #expect(await worker.end(until: .now + .seconds(60)) == 0)
    }
  }

  /// An event of the log of the process that sums up.
  private struct Event {
    let time: Date
    let message: String
    /// How many lines were booked.
    let booked: Int?
    let redeliveries: Int?

    init?(_ line: String) {
      let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
      guard let fields = try? JSONDecoder().decode([String: String].self, from: Data(line.utf8)),
        let time = fields["time"].flatMap({ try? Date($0, strategy: style) }), let message = fields["message"]
      else { return nil }
      self.time = time
      self.message = message
      booked = fields["lines"].flatMap { Int($0) }
      redeliveries = fields["redeliveries"].flatMap { Int($0) }
    }
  }
}
