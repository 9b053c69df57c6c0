import Foundation
import Testing

@testable import MartletCore

struct LogFormatTests {
  private static func record(_ message: String, _ fields: [(String, String)]) -> LogRecord {
    LogRecord(
      time: Date(timeIntervalSince1970: 1_700_000_000.25), level: .warning, message: message,
      fields: fields.map { LogField($0.0, $0.1) })
  }

  private static let fields = [
    ("function", "bill"), ("invocation", "4f-bill-7"), ("messageID", "m1"), ("attempt", "2"),
    ("trace", "0af7651916cd43dd8448eb211c80319c"),
  ]

  @Test func `text is one line: time, level, message, fields`() {
    let line = LogFormat.text(isColored: false).line(for: Self.record("failed", Self.fields))
    #expect(
      line.dropFirst("12:00:00.250".count)
        == " WARN  failed  function=bill invocation=4f-bill-7 messageID=m1 attempt=2 trace=0af7651916cd43dd8448eb211c80319c\n"
    )
    #expect(line.prefix(12).wholeMatch(of: /\d\d:\d\d:\d\d\.250/) != nil)
  }

  @Test func `JSON is one object a line, with the same fields`() throws {
    let line = LogFormat.json.line(for: Self.record("failed: \"no\"\n", Self.fields))
    #expect(line.hasSuffix("}\n") && line.count { $0 == "\n" } == 1)
    let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
    var expected = Dictionary(uniqueKeysWithValues: Self.fields)
    expected["time"] = "2023-11-14T22:13:20.250Z"
    expected["level"] = "warning"
    expected["message"] = "failed: \"no\"\n"
    #expect(object == expected)
  }

  @Test(arguments: [
    ("x function=y", #""x function=y""#), ("a=b", #""a=b""#), ("", #""""#), (#"say "no""#, #""say \"no\"""#),
    (#"back\slash"#, #""back\\slash""#), ("new\nline", #""new\nline""#), ("no\u{a0}break", "\"no\u{a0}break\""),
    ("gr\u{fc}n", "gr\u{fc}n"), ("bell\u{7}", #"bell\u0007"#),
  ])
  func `a value that could be taken for another field is in quotes`(value: String, text: String) {
    let line = LogFormat.text(isColored: false).line(for: Self.record("m", [("messageID", value), ("attempt", "1")]))
    #expect(line.hasSuffix("m  messageID=\(text) attempt=1\n"))
  }
}
