/// Every mistake of a configuration, in one error.
public struct ConfigurationError: Error, Sendable, CustomStringConvertible {
  /// One mistake.
  public struct Problem: Sendable, Hashable, CustomStringConvertible {
    /// Where it stands: a file and key, a variable, a function.
    public let place: String
    /// The value, the reason and what is possible.
    public let message: String

    public init(_ place: String, _ message: String) {
      self.place = place
      self.message = message
    }

    public var description: String { "\(place): \(message)" }
  }

  /// All of them, in the order in which they were found.
  public let problems: [Problem]

  public init(_ problems: [Problem]) { self.problems = problems }

  public var description: String {
    let list = problems.map { "\n  - \($0)" }.joined()
    return "the configuration has \(problems.count) mistake\(problems.count == 1 ? "" : "s"):\(list)"
  }
}
