import Glibc
import Martlet

/// What a worker tells the test, line by line on its standard output.
enum Words {
  /// One line, in one write, so that it is out before a kill.
  static func say(_ line: String) {
    let bytes = Array("\(line)\n".utf8)
    _ = bytes.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
  }

  /// The log, as lines that begin with `log`.
  static let sink = LogSink { record in say("log \(record.message)") }
}
