import Foundation

/// Writes a result for people or for programs.
enum Report {
  static func write(_ result: Comparison) -> String {
    switch result.arguments.format {
    case .json: json(result)
    case .text: text(result)
    }
  }

  /// At most two decimals, no exponent.
  static func number(_ value: Double, decimals: Int = 2) -> String { String(format: "%.\(decimals)f", value) }

  private static func json(_ result: Comparison) -> String {
    let arguments = result.arguments
    var members = [
      #""scenario":"\#(arguments.scenario.rawValue)""#,
      #""broker":"\#(result.system)""#,
      #""payload":"\#(arguments.payload)""#,
      #""bodyBytes":\#(arguments.bodyBytes)"#,
      #""messages":\#(result.messages)"#,
    ]
    if arguments.scenario.isOfHubs {
      members.append(#""partitions":\#(arguments.partitions)"#)
      members.append(#""trigger":"\#(arguments.trigger)""#)
      members.append(#""store":"\#(store(result))""#)
    }
    members += [
      #""martlet":\#(json(result.martlet))"#,
      #""baseline":\#(json(result.baseline))"#,
      #""ratio":\#(number(result.ratio, decimals: 3))"#,
      #""brokerMicros":\#(brokerMicros(result).map { number($0) } ?? "null")"#,
    ]
    // The reasons hold nothing that JSON escapes.
    if let reason = result.invalidReason { members.append(#""valid":false,"invalidReason":"\#(reason)""#) }
    return "{\(members.joined(separator: ","))}"
  }

  private static func json(_ cost: SideCost) -> String {
    """
    {"perSecond":\(number(cost.perSecond, decimals: 0)),"clientMicros":\(number(cost.clientMicros)),\
    "peakRSSMegabytes":\(number(cost.peakRSSMegabytes, decimals: 1))}
    """
  }

  /// Who keeps the positions of the consumer group.
  private static func store(_ result: Comparison) -> Target.System {
    result.system == .rabbitmq ? .embedded : result.system
  }

  /// The embedded broker has no process of its own: its work is the client's.
  private static func brokerMicros(_ result: Comparison) -> Double? {
    result.system == .embedded ? 0 : result.martlet.brokerMicros
  }

  private static func text(_ result: Comparison) -> String {
    let arguments = result.arguments
    func row(_ name: String, _ cost: SideCost) -> String {
      let broker = result.system == .embedded ? "–" : cost.brokerMicros.map { number($0) } ?? "?"
      return line(
        name, number(cost.perSecond, decimals: 0), number(cost.clientMicros), broker,
        number(cost.peakRSSMegabytes, decimals: 1))
    }
    var lines = [
      """
      \(arguments.scenario.rawValue) on \(result.system), \(arguments.payload), \(arguments.bodyBytes) bytes: \
      \(result.messages) messages a run, medians of \(arguments.rounds)
      """
    ]
    if arguments.scenario.isOfHubs {
      let (store, file) = (store(result), arguments.store.map { " (\($0))" } ?? "")
      lines.append(
        "\(arguments.partitions) partitions, \(arguments.trigger) trigger, positions in \(store)\(file)")
    }
    lines += [
      line("", "messages/s", "client µs", "broker µs", "RSS MB"),
      row("Martlet", result.martlet),
      row("plain C", result.baseline),
      line("ratio", number(result.ratio), "", "", ""),
    ]
    if let reason = result.invalidReason { lines.append("INVALID: \(reason)") }
    return lines.joined(separator: "\n")
  }

  private static func line(_ name: String, _ columns: String...) -> String {
    let cells = columns.map { String(repeating: " ", count: max(0, 12 - $0.count)) + $0 }
    let padded = name + String(repeating: " ", count: max(0, 8 - name.count)) + cells.joined()
    return String(padded.reversed().drop { $0 == " " }.reversed())
  }
}
