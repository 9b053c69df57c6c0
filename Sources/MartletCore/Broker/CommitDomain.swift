/// What one commit can cover atomically, or in one go: one embedded file, one Redis slot set, one RabbitMQ connection.
public struct CommitDomain: Sendable, Hashable {
  let name: String

  /// - Parameter name: unique among the brokers of a process: scheme, host and port, or path.
  public init(_ name: String) { self.name = name }
}
