/// A broker, or what a case needs around it, did not do what it has to: one sentence.
public struct ConformanceFailure: Error, Sendable, CustomStringConvertible {
  /// What was found, and what was expected.
  public let description: String

  /// - Parameter description: what was found, and what was expected.
  public init(_ description: String) { self.description = description }
}
