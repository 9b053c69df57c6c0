import Foundation

/// What the user sees of a run. In JSON only the result is on standard output; what the workers did is on standard
/// error, since it differs from run to run.
struct Report {
  enum Format: String, CaseIterable { case text, json }

  let format: Format
  private let start = ContinuousClock.now
  private var nextLine = ContinuousClock.now + .milliseconds(500)

  init(_ format: Format) { self.format = format }

  /// Twice a second: how many devices are done.
  mutating func progress(done: Int, of count: Int) {
    guard format == .text, nextLine <= .now else { return }
    nextLine = .now + .milliseconds(500)
    let seconds = start.duration(to: .now) / .seconds(1)
    print(String(format: "%6.1f s  %d of %d devices are done", seconds, done, count))
    fflush(nil)
  }

  func end(_ devices: [String: Collector.Device], _ work: Workers.Summary) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    switch format {
    case .json:
      // Not by `print`, which keeps a part of a long line until the end: the other line may go to the same place.
      FileHandle.standardOutput.write(try encoder.encode(["devices": devices]) + Data("\n".utf8))
      FileHandle.standardError.write(try encoder.encode(work) + Data("\n".utf8))
    case .text:
      print("\n  readings rejected   alerts    hours      mean       min       max  device")
      for (name, device) in devices.sorted(by: { $0.key < $1.key }) {
        let windows = device.windows
        let values = [windows?.mean, windows?.min, windows?.max].map { value in
          value.map { String(format: "%10.3f", $0) } ?? "         -"
        }
        print(
          String(
            format: "%10d %8d %8d %8d", device.readings, device.rejected, device.alerts.count, windows?.count ?? 0)
            + values.joined() + "  " + name)
      }
      for (id, worker) in work.workers.sorted(by: { $0.key < $1.key }) {
        let end = worker.wasKilled ? ", killed" : ""
        print("worker \(id): \(worker.events) events of \(worker.partitions.count) partitions\(end)")
      }
      print("partitions taken over from the dead: \(work.takeovers)")
    }
  }
}
