public import MartletCore

/// What an invocation knows about itself.
public struct FunctionContext: Sendable {
  let invocation: Invocation

  /// The function's name.
  public var functionName: String { invocation.plan.function.name }
  /// Unique per invocation: a retry has a new one.
  public var invocationID: String { invocation.id }
  /// This run's number, from 1; of a batch, the highest.
  public var attempt: Int { invocation.work.attempt }
  /// When `functionTimeout` gives the invocation up; nil is never.
  public var deadline: ContinuousClock.Instant? { invocation.deadline }
  /// The trace that the outputs belong to.
  public var trace: TraceContext? { invocation.trace }

  /// Where the events come from; nil in a function that is not triggered by an event hub.
  public var partition: PartitionContext? { invocation.partition }

  /// A logger whose lines name the function, the invocation, the message, the attempt and the trace.
  public var logger: Logger { invocation.logger }

  /// Sends a message together with the returned outputs: in the same commit, only if the invocation succeeds. With
  /// `Batch.results` it leaves with the first message that succeeds.
  /// - Throws: the codec's error, or `InvalidOutput` for an impossible name, id or header; nothing is sent then.
  public func send<Body>(_ body: Body, to name: QueueName<Body>) throws {
    try invocation.send(to: name.address) { try $0.add(body, to: name) }
  }

  /// Sends a message together with the returned outputs: in the same commit, only if the invocation succeeds. With
  /// `Batch.results` it leaves with the first message that succeeds.
  /// - Throws: the codec's error, or `InvalidOutput` for an impossible name, id or header; nothing is sent then.
  public func send<Body>(_ message: Outgoing<Body>, to name: QueueName<Body>) throws {
    try invocation.send(to: name.address) { try $0.add(message, to: name) }
  }

  /// Publishes an event together with the returned outputs: in the same commit, only if the invocation succeeds. A hub
  /// that is missing is made as its name says.
  /// - Throws: the codec's error, or `InvalidOutput` for an impossible name, id or header; nothing is sent then.
  public func send<Body>(_ body: Body, to name: HubName<Body>) throws {
    try invocation.send(to: name.address, name.declaration) { try $0.add(body, to: name) }
  }

  /// Publishes an event together with the returned outputs: in the same commit, only if the invocation succeeds. A hub
  /// that is missing is made as its name says.
  /// - Throws: the codec's error, or `InvalidOutput` for an impossible name, id or header; nothing is sent then.
  public func send<Body>(_ event: Outgoing<Body>, to name: HubName<Body>) throws {
    try invocation.send(to: name.address, name.declaration) { try $0.add(event, to: name) }
  }
}
