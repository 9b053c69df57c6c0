public import Martlet

/// Keeps what is logged, and lets a test wait for a line.
public final class LogCollector: Sendable {
  private let lines = Observed<[String]>([])

  /// A collector without lines.
  public init() {}

  /// Where the logger under test writes.
  public var sink: LogSink {
    LogSink { record in self.lines.update { $0.append("\(record.level.name) \(record.message)") } }
  }

  /// All lines so far, each as its level and its message.
  public var all: [String] { lines.value }

  /// How many lines hold a text.
  public func count(_ part: String) -> Int { all.count { $0.contains(part) } }

  /// Waits until so many lines hold a text, counting those already there.
  /// - Parameters:
  ///   - part: the text.
  ///   - count: how many lines. Default 1.
  ///   - limit: how long it may take. Default 60 s.
  /// - Throws: `ConformanceFailure` when the time is over, with the last lines.
  public func wait(for part: String, count: Int = 1, within limit: Duration = .seconds(60)) async throws {
    let found: Bool? = await lines.wait(until: .now + limit) { lines in
      lines.count { $0.contains(part) } >= count ? true : nil
    }
    if found == nil {
      throw ConformanceFailure(
        "\(count) lines with \"\(part)\" should be logged in \(limit); the last: \(all.suffix(5))")
    }
  }
}
