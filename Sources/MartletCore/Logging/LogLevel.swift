/// How much an event matters.
public enum LogLevel: Int, Sendable, Comparable, CaseIterable {
  case trace, debug, information, warning, error, critical

  /// The name in JSON and in `MARTLET_LOG_LEVEL`.
  public var name: String {
    switch self {
    case .trace: "trace"
    case .debug: "debug"
    case .information: "information"
    case .warning: "warning"
    case .error: "error"
    case .critical: "critical"
    }
  }

  /// Reads a name of Azure's, `info` or `warn`, in any case.
  public init?(name: String) {
    switch name.lowercased() {
    case "info": self = .information
    case "warn": self = .warning
    default:
      guard let level = Self.allCases.first(where: { $0.name == name.lowercased() }) else { return nil }
      self = level
    }
  }

  public static func < (left: LogLevel, right: LogLevel) -> Bool { left.rawValue < right.rawValue }
}
