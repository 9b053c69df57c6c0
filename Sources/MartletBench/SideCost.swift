import CBaseline

/// What one run of one side cost, per message.
struct SideCost: Codable, Sendable {
  var perSecond: Double
  /// CPU time of the side's process, in microseconds per message.
  var clientMicros: Double
  /// CPU time of the broker's process, in microseconds per message; nil where it is not known.
  var brokerMicros: Double?
  var peakRSSMegabytes: Double

  init(_ cost: baseline_cost, messages: Int) {
    perSecond = Double(messages) / cost.seconds
    clientMicros = cost.clientMicros / Double(messages)
    brokerMicros = cost.brokerMicros < 0 ? nil : cost.brokerMicros / Double(messages)
    peakRSSMegabytes = cost.peakRSSMegabytes
  }

  /// The medians of several runs, figure by figure.
  init(medianOf runs: [SideCost]) {
    perSecond = Self.median(runs.map(\.perSecond))
    clientMicros = Self.median(runs.map(\.clientMicros))
    let broker = runs.compactMap(\.brokerMicros)
    brokerMicros = broker.isEmpty ? nil : Self.median(broker)
    peakRSSMegabytes = Self.median(runs.map(\.peakRSSMegabytes))
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}
