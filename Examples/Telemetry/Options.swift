import Foundation

/// The command line.
struct Options {
  var input: String?
  var copies = 1
  var devices = 20
  var readings = 600
  var seed: UInt64 = 1
  var pace: Double?
  var workers = 0
  var killEvery: Double?
  var output = Report.Format.text
  var isWorker = false
  var isWorkElsewhere = false
  var healthFile: String?
  var isHealthCheck = false
  var isGenerating = false
  var wantsHelp = false
  /// What workers are started with, beside `--worker`.
  private(set) var shared: [String] = []

  static let help = """
    Sensors as a stream: lines are cleaned, watched for anomalies and summed up by the hour, device by device.

    Usage: telemetry [OPTIONS]

      --input PATH          a CSV file of timestamp,value, or a folder of them. Without one, readings are made up.
      --devices-per-file N  devices that each file stands for; default 1
      --devices N           devices that are made up; default 20
      --readings N          how many readings each of them sends; default 600
      --seed N              which ones; default 1
      --pace N              N lines per second; default: as fast as can be
      --broker URL          embedded:FOLDER, embedded: (memory), redis://HOST[:PORT][/DATABASE],
                            amqp://HOST[:PORT][/VHOST]. Default: MARTLET_BROKER, then embedded:./data
      --store URL           where owners and checkpoints are kept: for amqp:// only, and the same for every run there
      --workers N           processes that share the partitions; default 0: this process does the work
      --kill-every S        kill the busiest worker every S seconds, at work, and start another one
      -o, --output F        text (default); json: the result alone
      --workers-elsewhere   send and report only: workers that were started by hand do the work
      --worker              be a worker until SIGTERM
      --health-file FILE    a worker touches it four times a second
      --healthcheck         end with 0 if the health file was touched in the last 10 seconds, with 1 if not
      --generate            print the readings that would be made up, as one CSV, and end
      --host-json FILE      options of the functions, as in host.json
      --log-level L, --log-format F
      -h, --help            this text

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
      func number(_ range: ClosedRange<Int>) throws -> Int {
        try value("a whole number from \(range.lowerBound) to \(range.upperBound)") { text in
          Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
      }
      switch option {
      case "--input": input = try value("a file or a folder") { $0 }
      case "--devices-per-file": copies = try number(1...1000)
      case "--devices": devices = try number(1...100_000)
      case "--readings": readings = try number(1...1_000_000)
      case "--seed": seed = try value("a whole number, 0 or more") { UInt64($0) }
      case "--pace": pace = try value("a number of lines per second, like 100", Self.positive)
      case "--broker", "--store", "--connection", "--host-json", "--log-level", "--log-format":
        // Martlet's own: `HostConfiguration.load` reads them, here and in the workers.
        shared += [option, try value("see --help") { $0 }]
      case "--workers": workers = try number(0...64)
      case "--kill-every": killEvery = try value("a number of seconds, like 3", Self.positive)
      case "-o", "--output": output = try value("text or json", Report.Format.init)
      case "--worker": isWorker = true
      case "--workers-elsewhere": isWorkElsewhere = true
      case "--health-file": healthFile = try value("a file") { $0 }
      case "--healthcheck": isHealthCheck = true
      case "--generate": isGenerating = true
      case "-h", "--help": wantsHelp = true
      default: throw UsageError("\"\(option)\" is not an option; telemetry --help shows all")
      }
      if let attached { throw UsageError("\(option) takes no value; it was given \"\(attached)\"") }
    }
  }

  private static func positive(_ text: String) -> Double? {
    Double(text).flatMap { $0 > 0 && $0 <= 1_000_000 ? $0 : nil }
  }
}

/// A mistake on the command line: the option, the value, the way out.
struct UsageError: Error {
  let message: String
  init(_ message: String) { self.message = message }
}
