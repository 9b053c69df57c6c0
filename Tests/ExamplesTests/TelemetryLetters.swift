import Foundation
import Martlet

/// The dead letters of one run of the telemetry example.
struct TelemetryLetters {
  /// The lines that were set aside, by device and in their order.
  private(set) var lines: [String: [String]] = [:]
  /// Letters beyond the first of their line.
  private(set) var repeats = 0
  /// What is said of them that cannot be: no place, another hub, another reason.
  private(set) var faults: [String] = []

  init() {}

  /// Reads them back from a broker.
  init(of run: String, at url: String) async throws {
    let broker = try BrokerURL(url).open(BrokerEnvironment(app: "telemetry-letters", allowVolatile: true))
    try await broker.start(deadline: .now + .seconds(60))
    let group = ConsumerGroup(hub: "telemetry-lines", name: "clean")
    let letters = try await broker.deadLetters(of: group.description, limit: 1_000_000)
    await broker.close(deadline: .now + .seconds(10))
    // An id is RUN/DEVICE#NUMBER; others have used the same hubs before.
    var seen: Set<String> = []
    var numbered: [String: [(number: Int, line: String)]] = [:]
    for letter in letters where letter.message.id.hasPrefix("\(run)/") {
      guard seen.insert(letter.message.id).inserted else {
        repeats += 1
        continue
      }
      let words = letter.message.id.dropFirst(run.count + 1).split(separator: "#")
      numbered[String(words[0]), default: []].append((Int(words[1]) ?? 0, letter.message.body.string ?? "?"))
      let reason = letter.reason
      let isRight =
        reason.code == .rejected && reason.function == "clean" && reason.source == .hub(group.description)
        && reason.partition != nil && reason.offset != nil && letter.message.key == "\(run)/\(words[0])"
      if !isRight { faults.append("\(letter.message.id): \(reason)") }
    }
    lines = numbered.mapValues { $0.sorted { $0.number < $1.number }.map(\.line) }
  }
}
