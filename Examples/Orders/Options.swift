import Foundation
import Martlet

/// The command line.
struct Options {
  var input: String?
  var output = Report.Format.text
  var isWorker = false
  var isGenerating = false
  var repetitions = 1
  var pace: Double?
  var latency = Duration.zero
  var seed: UInt64 = 1
  var lines = 2000
  var wantsHelp = false

  static let help = """
    A shop as a chain of functions: CSV lines are validated, priced, booked and summed up.

    Usage: orders [OPTIONS]

      --input FILE      the day, as CSV: \(Order.columns.joined(separator: ","))
                        Without a file a day is made up.
      --broker URL      embedded:FOLDER, embedded: (memory), redis://HOST[:PORT][/DATABASE],
                        amqp://HOST[:PORT][/VHOST]. Default: MARTLET_BROKER, then embedded:./data
      -o, --output F    text: what flows, and a summary (default); json: the summary alone
      --worker          help another process with its day, until SIGTERM
      --repeat N        the day N times over
      --pace N          N lines per second; default: as fast as can be
      --latency MS      how long it takes to ask for a price; default 0
      --seed N          which day is made up; default 1
      --lines N         how many lines the day has that is made up; default 2000
      --generate        print the day that would be made up, and end
      --host-json FILE  options of the functions, as in host.json
      --log-level L     information (default), debug, warning, …
      --log-format F    text (default on a terminal) or json
      -h, --help        this text

    One day at a time runs on a broker: a later one takes over.
    Exit codes: 0 done, 64 wrong usage, 78 wrong configuration, 130 interrupted, 1 anything else.
    """

  /// - Throws: `UsageError` for the first mistake.
  init(_ arguments: [String]) throws {
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      // --name=value is --name value.
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let (option, isPair) = argument.hasPrefix("--") && parts.count == 2 ? (parts[0], true) : (argument, false)
      var attached = isPair ? parts[1] : nil
      func value<Value>(_ wanted: String, _ read: (String) throws -> Value?) throws -> Value {
        guard let text = attached ?? rest.popFirst() else { throw UsageError("\(option) needs a value: \(wanted)") }
        attached = nil
        guard let value = try read(text) else { throw UsageError("\(option) is \"\(text)\"; it must be \(wanted)") }
        return value
      }
      switch option {
      case "--input": input = try value("a file") { $0 }
      case "--broker", "--connection", "--host-json", "--log-level", "--log-format":
        // Martlet's own: `HostConfiguration.load` reads them.
        _ = try value("see --help") { $0 }
      case "-o", "--output": output = try value("text or json", Report.Format.init)
      case "--worker": isWorker = true
      case "--repeat": repetitions = try value("a whole number from 1 to 10000") { Int($0, in: 1...10_000) }
      case "--pace": pace = try value("a number of lines per second, like 100", Self.pace)
      case "--latency": latency = .milliseconds(try value("milliseconds, 0 to 60000") { Int($0, in: 0...60_000) })
      case "--seed": seed = try value("a whole number, 0 or more") { UInt64($0) }
      case "--lines": lines = try value("a whole number from 1 to 1000000") { Int($0, in: 1...1_000_000) }
      case "--generate": isGenerating = true
      case "-h", "--help": wantsHelp = true
      default: throw UsageError("\"\(option)\" is not an option; orders --help shows all")
      }
      if let attached { throw UsageError("\(option) takes no value; it was given \"\(attached)\"") }
    }
  }

  private static func pace(_ text: String) -> Double? {
    Double(text).flatMap { $0 > 0 && $0 <= 1_000_000 ? $0 : nil }
  }
}

/// A mistake on the command line: the option, the value, the way out.
struct UsageError: Error {
  let message: String
  init(_ message: String) { self.message = message }
}

extension Int {
  fileprivate init?(_ text: String, in range: ClosedRange<Int>) {
    guard let value = Int(text), range.contains(value) else { return nil }
    self = value
  }
}
