import Foundation
import Glibc

/// Where log lines go.
public struct LogSink: Sendable {
  let write: @Sendable (LogRecord) -> Void

  /// A sink of your own. `write` is called from any thread and must return soon.
  public init(_ write: @escaping @Sendable (LogRecord) -> Void) { self.write = write }

  /// Nowhere.
  public static let discard = LogSink { _ in }

  /// Standard error: text on a terminal (coloured unless `NO_COLOR` is set), JSON lines otherwise.
  public static let standardError = LogSink(
    format: isatty(2) == 1 ? .text(isColored: ProcessInfo.processInfo.environment["NO_COLOR"] == nil) : .json)

  /// Standard error in a given format.
  public init(format: LogFormat) {
    self.init { record in
      // One write per line, so that lines of several threads and processes do not mix.
      var line = format.line(for: record)
      line.withUTF8 { _ = Glibc.write(2, $0.baseAddress, $0.count) }
    }
  }
}
