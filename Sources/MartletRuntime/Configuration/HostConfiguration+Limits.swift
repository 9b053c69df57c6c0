import Foundation

extension HostConfiguration {
  enum Limits {
    static let drainTimeout = Duration.zero ... .seconds(3600)
    static let lease = Duration.seconds(1) ... .seconds(600)
    static let consumerTimeout = Duration.seconds(1) ... .seconds(365 * 86_400)
    static let maxMessageBytes = 1024...128 << 20
  }

  static var cores: Int { ProcessInfo.processInfo.activeProcessorCount }

  /// Variables are upper case and have no `-`, so neither counts in the name of a connection.
  static func connectionKey(_ name: String) -> String { name.lowercased().replacing("-", with: "_") }

  /// The options of one function; empty ones where nothing was said.
  subscript(optionsOf function: String) -> FunctionOptions {
    get { functions[function] ?? FunctionOptions() }
    set { functions[function] = newValue }
  }

  /// The URL of a named connection.
  func connection(_ name: String) -> String? {
    let key = Self.connectionKey(name)
    return connections.first { Self.connectionKey($0.key) == key }?.value
  }

  /// Values made by hand that are out of range; what was read was checked before.
  var rangeProblems: [ConfigurationError.Problem] {
    var found: [ConfigurationError.Problem] = []
    func check(_ name: String, _ value: Duration, _ range: ClosedRange<Duration>) {
      guard !range.contains(value) else { return }
      let bounds = "\(DurationText.format(range.lowerBound)) to \(DurationText.format(range.upperBound))"
      found.append(.init("configuration", "\(name) is \(DurationText.format(value)); it must be \(bounds)"))
    }
    check("drainTimeout", drainTimeout, Limits.drainTimeout)
    check("lease", lease, Limits.lease)
    check("consumerTimeout", consumerTimeout, Limits.consumerTimeout)
    if !Limits.maxMessageBytes.contains(maxMessageBytes) {
      let bounds = "\(Limits.maxMessageBytes.lowerBound) to \(Limits.maxMessageBytes.upperBound)"
      found.append(.init("configuration", "maxMessageBytes is \(maxMessageBytes); it must be \(bounds)"))
    }
    return found
  }
}
