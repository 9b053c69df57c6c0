import Martlet

/// The functions: from lines to readings, from readings to alerts and to hours.
struct Telemetry {
  let tally: Tally
  /// Of the functions below.
  static let names = ["clean", "summarise", "detect"]

  @FunctionBuilder var functions: [Function] {
    Function("clean", on: .eventHub(.lines, group: "clean"), to: .eventHub(.readings)) { lines, context in
      tally.note(context)
      return await lines.results { line in .success(Outgoing(try Reading(line), key: line.key)) }
    }
    Function(
      "summarise", on: .eventHub(.readings, group: "summarise"), state: .keyed(Windows.self), to: .eventHub(.findings)
    ) { readings, devices, context in
      tally.note(context)
      return readings.compactMap { reading in
        var windows = devices[reading.key] ?? Windows()
        defer { devices[reading.key] = windows }
        return windows.take(reading.body, of: reading.key).map { Outgoing($0, key: reading.key) }
      }
    }
    Function(
      "detect", on: .eventHub(.readings, group: "detect"), state: .keyed(Detector.self),
      to: .eventHub(.alerts), .eventHub(.findings)
    ) { readings, devices, context in
      tally.note(context)
      let found = readings.map { reading in
        var detector = devices[reading.key] ?? Detector()
        defer { devices[reading.key] = detector }
        return detector.take(reading.body, of: reading.key)
      }
      return (
        found.compactMap(\.alert).map { Outgoing($0, key: $0.device) },
        found.compactMap(\.finding).map { Outgoing($0, key: $0.device) }
      )
    }
  }

  /// The end of the chain, in the one process that reports.
  static func collect(into report: Collector, run: String) -> Function {
    Function("collect", on: .eventHub(.findings, group: group(of: run))) { findings, _ -> Void in
      for finding in findings { await report.enter(finding.body) }
    }
  }

  /// The group that has all findings of a run, whoever else reads them.
  static func group(of run: String) -> String { "collect-\(run)" }
}
