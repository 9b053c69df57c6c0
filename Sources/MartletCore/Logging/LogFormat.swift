import Foundation

/// How a log line looks.
public enum LogFormat: Sendable {
  /// For people: `12:00:01.123 WARN  message  function=bill attempt=2`. Values that could be taken for something else, as
  /// those with a space, are in quotes.
  case text(isColored: Bool)
  /// For machines: one JSON object a line.
  case json

  /// The line, with its end. Control characters are escaped: a message or header cannot forge a second line.
  func line(for record: LogRecord) -> String {
    switch self {
    case .text(let isColored): text(record, isColored: isColored)
    case .json: json(record)
    }
  }

  private func text(_ record: LogRecord, isColored: Bool) -> String {
    let time = record.time.formatted(
      .verbatim(
        "\(hour: .twoDigits(clock: .twentyFourHour, hourCycle: .zeroBased)):\(minute: .twoDigits):\(second: .twoDigits).\(secondFraction: .fractional(3))",
        timeZone: .current, calendar: Calendar(identifier: .gregorian)))
    var line = "\(time) \(label(record.level, isColored: isColored)) \(Self.escaped(record.message))"
    if !record.fields.isEmpty {
      let fields = record.fields.map { "\($0.name)=\(Self.quoted($0.value))" }.joined(separator: " ")
      line += isColored ? "  \u{1b}[2m\(fields)\u{1b}[0m" : "  \(fields)"
    }
    return line + "\n"
  }

  private func label(_ level: LogLevel, isColored: Bool) -> String {
    let (name, color) =
      switch level {
      case .trace: ("TRACE", 2)
      case .debug: ("DEBUG", 2)
      case .information: ("INFO ", 32)
      case .warning: ("WARN ", 33)
      case .error: ("ERROR", 31)
      case .critical: ("CRIT ", 35)
      }
    return isColored ? "\u{1b}[\(color)m\(name)\u{1b}[0m" : name
  }

  private func json(_ record: LogRecord) -> String {
    var line = "{\"time\":\"\(record.time.formatted(Date.ISO8601FormatStyle(includingFractionalSeconds: true)))\""
    line += ",\"level\":\"\(record.level.name)\",\"message\":\"\(Self.escaped(record.message, quotes: true))\""
    for field in record.fields {
      line += ",\"\(Self.escaped(field.name, quotes: true))\":\"\(Self.escaped(field.value, quotes: true))\""
    }
    return line + "}\n"
  }

  private static func quoted(_ value: String) -> String {
    let isPlain =
      !value.isEmpty
      && value.unicodeScalars.allSatisfy { $0 != "\"" && $0 != "=" && $0 != "\\" && !$0.properties.isWhitespace }
    return isPlain ? escaped(value) : "\"\(escaped(value, quotes: true))\""
  }

  static func escaped(_ text: String, quotes: Bool = false) -> String {
    var result = ""
    result.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\"" where quotes: result += "\\\""
      case "\\" where quotes: result += "\\\\"
      case _ where scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value):
        result += "\\u" + UInt16(scalar.value).hexText(digits: 4)
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
