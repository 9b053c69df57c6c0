/// The result of a benchmark.
struct Comparison {
  let arguments: Arguments
  let system: Target.System
  let messages: Int
  let martlet: SideCost
  let baseline: SideCost

  /// How much of the baseline's throughput Martlet reaches.
  var ratio: Double { martlet.perSecond / baseline.perSecond }

  /// Why the result says nothing; nil where it does.
  var invalidReason: String? {
    #if DEBUG
      return "this is a debug build: build with -c release"
    #else
      return baselineProblem
    #endif
  }

  /// Being close to a slow program is no achievement: the baseline's pipe has to stay within what such a program can
  /// reach. The limits hold for bodies of 256 bytes; larger ones may cost a microsecond more per KiB.
  var baselineProblem: String? {
    guard arguments.scenario == .pipe, let limit = Self.limit(system) else { return nil }
    let allowed = limit + Double(max(0, arguments.bodyBytes - 256)) / 1024
    guard baseline.clientMicros > allowed else { return nil }
    return """
      the baseline took \(Report.number(baseline.clientMicros)) µs of client CPU per message, more than \
      \(Report.number(allowed)): is the machine busy?
      """
  }

  private static func limit(_ system: Target.System) -> Double? {
    switch system {
    case .rabbitmq: 3.6
    case .redis: 2.5
    case .embedded: nil
    }
  }
}
