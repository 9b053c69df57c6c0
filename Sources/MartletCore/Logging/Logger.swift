public import struct Foundation.Date

/// One line per event, with the fields that were given once.
public struct Logger: Sendable {
  /// Fields of every line: function, invocation id, attempt…
  public var fields: [LogField]
  /// Events below are dropped. Default `information`.
  public var level: LogLevel
  private let sink: LogSink

  public init(level: LogLevel = .information, fields: [LogField] = [], sink: LogSink = .standardError) {
    self.level = level
    self.fields = fields
    self.sink = sink
  }

  /// The same logger with more fields.
  public func with(_ more: LogField...) -> Logger {
    var copy = self
    copy.fields += more
    return copy
  }

  /// Logs one event.
  public func log(_ level: LogLevel, _ message: @autoclosure () -> String, _ more: LogField...) {
    guard level >= self.level else { return }
    sink.write(LogRecord(time: Date(), level: level, message: message(), fields: fields + more))
  }

  /// For whoever looks for a fault.
  public func debug(_ message: @autoclosure () -> String) { log(.debug, message()) }
  /// What an operator wants to see of a healthy app.
  public func information(_ message: @autoclosure () -> String) { log(.information, message()) }
  /// Something is wrong and is being dealt with.
  public func warning(_ message: @autoclosure () -> String) { log(.warning, message()) }
  /// Something is wrong and someone has to look.
  public func error(_ message: @autoclosure () -> String) { log(.error, message()) }
}

/// A named value of a log line.
public struct LogField: Sendable, Hashable {
  /// A word: `function`, `messageID`.
  public let name: String
  /// As text; the format escapes it.
  public let value: String

  public init(_ name: String, _ value: some CustomStringConvertible) {
    self.name = name
    self.value = value.description
  }
}

/// One event.
public struct LogRecord: Sendable {
  /// When it happened, by the wall clock.
  public let time: Date
  /// How much it matters.
  public let level: LogLevel
  /// One sentence, without the fields.
  public let message: String
  /// The logger's fields, then the event's own.
  public let fields: [LogField]
}
