public import MartletCore

/// A broker inside of the process: queues, event hubs and what their consumer groups know, in one SQLite file or in
/// memory. Several processes of one machine may share a
/// file, each with a broker of its own.
///
/// A commit is one transaction: outputs and settlements, or the position of a consumer group, happen together or not at
/// all, so between queues and hubs of one file everything is processed effectively once. What `publish` and `commit` confirmed is on the disk.
///
/// A process holds its messages by a lease. Whether it still does is asked in the transaction that depends on it, so a
/// process that slept past its lease can hand out and commit nothing of what others took over. All processes of a store
/// take turns to write: one that is stopped (SIGSTOP) in the midst of a transaction, a few milliseconds long, keeps the
/// others waiting until it goes on or is killed.
///
/// The file grows to what its queues held at most, and keeps that size.
public final class EmbeddedBroker: Broker {
  let location: EmbeddedLocation
  let inbox: Mailbox<Request>
  let domain: CommitDomain
  let clock: EmbeddedClock
  private let nextID = Locked(0)

  /// Begins to open the store, on a thread of its own; `start` tells how that went.
  ///
  /// - Parameters:
  ///   - path: a folder, in which the file `martlet.db` is made, or a file that ends in `.db`. On a local disk: network
  ///     file systems are refused at `start`. Nil or empty is memory: private to this object, gone with it.
  ///   - environment: names, logger, lease and limits. `allowVolatile` has no meaning here.
  /// - Throws: `BrokerError` (`configuration`) for a path that no file can have.
  public convenience init(path: String?, environment: BrokerEnvironment) throws(BrokerError) {
    try self.init(path: path, environment: environment, clock: .system)
  }

  /// - Parameter prepare: changes the engine before it runs, on its thread.
  init(
    path: String?, environment: BrokerEnvironment, clock: EmbeddedClock,
    prepare: @escaping @Sendable (Engine) -> Void = { _ in }
  ) throws(BrokerError) {
    let location = try EmbeddedLocation(path: path)
    let inbox = Mailbox<Request>()
    self.location = location
    self.inbox = inbox
    self.clock = clock
    domain = CommitDomain("embedded:\(location.file ?? "memory-\(MessageIdentifier.random())")")
    NamedThread.start("martlet-store") {
      let engine = Engine(location: location, environment: environment, clock: clock, inbox: inbox)
      prepare(engine)
      engine.run()
    }.detach()
  }

  /// A broker that was not closed does what was handed in and ends; its consumers end with it.
  deinit { inbox.send(.close(deadline: .now + .seconds(5)) {}) }

  public var system: String { "embedded" }

  public func commitDomain(for address: Address) -> CommitDomain { domain }

  public func start(deadline: ContinuousClock.Instant) async throws(BrokerError) {
    try await ask { .start(deadline: deadline, $0) }
  }

  public func declare(_ queue: QueueDeclaration) async throws(BrokerError) {
    try await ask { .work(.declare(queue, $0)) }
  }

  public func consume(_ subscription: QueueSubscription, handler: any DeliveryHandler) async throws(BrokerError)
    -> any QueueConsumer
  {
    let id = newID()
    let specification = ConsumerSpecification(id: id, subscription: subscription, handler: handler)
    try await ask { .consume(specification, $0) }
    return EmbeddedConsumer(id: id, inbox: inbox)
  }

  public func publish(_ messages: [OutgoingMessage], completion: @escaping @Sendable (CommitResult) -> Void) {
    let work = Work.publish(messages, completion)
    if !inbox.send(.work(work)) { work.fail(.closed) }
  }

  public func close(deadline: ContinuousClock.Instant) async {
    await Deadline.wait(until: deadline) { done in
      if !inbox.send(.close(deadline: deadline, done)) { done() }
    }
  }

  /// A number that no other consumer or reader of this broker has.
  func newID() -> Int {
    nextID.withLock { next in
      next += 1
      return next
    }
  }

  /// Asks the thread and waits for its answer.
  func ask<Value: Sendable>(_ request: (@escaping Reply<Value>) -> Request) async throws(BrokerError) -> Value {
    let result: Result<Value, BrokerError> = await withCheckedContinuation { continuation in
      let request = request { continuation.resume(returning: $0) }
      if !inbox.send(request) { request.fail(.closed) }
    }
    return try result.get()
  }
}
