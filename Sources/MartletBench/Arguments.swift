import CBaseline

/// The command line.
struct Arguments {
  static let usage = """
    usage: martlet-bench publish|consume|pipe|hub-publish|hub-consume|hub-pipe --broker URL [options]

      --broker URL          redis://[user@]host[:port], amqp://[user@]host[:port][/vhost] or embedded:PATH.
                            Default: MARTLET_BROKER, which is also the place for a password.
      --payload json|raw    an order in JSON, or bytes. Default json.
      --body BYTES          the size of a body. Default 256.
      --messages N          messages per run. Default: what the baseline does in 6 s.
      --rounds N            runs of each side, in turn; medians are shown. Default 3.
      --before COMMAND      what a shell does before each run of a side, to bring the broker into the same state.
      --broker-pid PID      the broker's process, whose CPU time is counted. Default: who listens on the port.
      --partitions N        of the hubs. Default 4.
      --trigger batch|event how the function of a hub gets its events. Default batch.
      --store embedded:PATH where the positions of hubs on RabbitMQ are kept. Default: a temporary directory.
      -o text|json          how results are shown. Default text.
      -h, --help            this text

    Martlet and a plain-C baseline do the same work in turn. The exit code is 0, 1 if the result is INVALID or a run
    failed, 64 if the command line is wrong.
    """

  /// Whether this text is asked for, whatever else is.
  static func wantHelp(_ arguments: [String]) -> Bool { arguments.contains { ["-h", "--help"].contains($0) } }

  var scenario = Scenario.pipe
  var broker: String?
  var payload = Payload.json
  var bodyBytes = 256
  var messages: Int?
  var rounds = 3
  var before: String?
  var brokerPID: Int?
  var partitions = 4
  var trigger = HubTrigger.batch
  /// The file of the positions on RabbitMQ.
  var store: String?
  var format = ReportFormat.text
  /// Set in the processes that the benchmark starts: this one's part.
  var side: Side?
  var input = ""
  var output = ""

  init(_ arguments: [String]) throws {
    var rest = arguments[...]
    var scenario: Scenario?
    while let argument = rest.popFirst() {
      func value() throws -> String {
        guard let value = rest.popFirst() else { throw UsageError("\(argument) needs a value") }
        return value
      }
      func choice<Choice: RawRepresentable<String> & CaseIterable>() throws -> Choice {
        let text = try value()
        guard let choice = Choice(rawValue: text) else {
          let choices = Choice.allCases.map(\.rawValue).joined(separator: " or ")
          throw UsageError("\(argument) is \"\(text)\"; it must be \(choices)")
        }
        return choice
      }
      func number(_ range: ClosedRange<Int>) throws -> Int {
        let text = try value()
        guard let number = Int(text), range.contains(number) else {
          throw UsageError(
            "\(argument) is \"\(text)\"; it must be a number between \(range.lowerBound) and \(range.upperBound)")
        }
        return number
      }
      switch argument {
      case "--broker": broker = try value()
      case "--payload": payload = try choice()
      case "--body": bodyBytes = try number(1...8 << 20)
      case "--messages": messages = try number(1...100_000_000)
      case "--rounds": rounds = try number(1...1000)
      case "--before": before = try value()
      case "--broker-pid": brokerPID = try number(1...Int(Int32.max))
      case "--partitions": partitions = try number(1...BASELINE_PARTITIONS)
      case "--trigger": trigger = try choice()
      case "--store": store = try Self.file(of: value())
      case "-o", "--output": format = try choice()
      case "--side": side = try choice()
      case "--to": output = try value()
      case "--from": input = try value()
      default:
        guard scenario == nil, let named = Scenario(rawValue: argument) else {
          throw UsageError("\"\(argument)\" is not known")
        }
        scenario = named
      }
    }
    guard let scenario else {
      throw UsageError("a scenario is missing: \(Scenario.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    self.scenario = scenario
    let least = Order.leastBytes
    if payload == .json, bodyBytes < least {
      throw UsageError("--body is \(bodyBytes); an order in JSON has at least \(least) bytes")
    }
  }

  private static func file(of store: String) throws -> String {
    let path = store.dropFirst("embedded:".count)
    guard store.hasPrefix("embedded:"), !path.isEmpty else {
      throw UsageError("--store is \"\(store)\"; it must be a file: embedded:PATH")
    }
    return String(path)
  }
}
