import MartletCore

/// Where the ids of a function's messages are remembered that came to their end.
///
/// A broker that is a store remembers them in the commits themselves. For another broker the app's store does it, beside
/// the commits: see `Committer.commit(_:remembering:)`.
struct RepeatMemory: Sendable {
  let isInCommits: Bool
  let executor: FunctionExecutor
  private let store: any Store
  private let scope: String
  private let window: Duration
  private let logger: Logger

  init(
    store: any Store, scope: String, window: Duration, isInCommits: Bool, executor: FunctionExecutor, logger: Logger
  ) {
    self.store = store
    self.scope = scope
    self.window = window
    self.isInCommits = isInCommits
    self.executor = executor
    self.logger = logger
  }

  /// nil where there is no store.
  init?(
    of queue: Address, window: Duration, brokers: BrokerDirectory, executor: FunctionExecutor, logger: Logger
  ) {
    let own = brokers[queue] as? any Store
    guard let store = own ?? brokers.store(of: queue) else { return nil }
    // No queue of the store's own has such a name.
    let foreign = "\(queue.name)@\(queue.connection.map(HostConfiguration.connectionKey) ?? "")"
    self.init(
      store: store, scope: own == nil ? foreign : queue.name, window: window, isInCommits: own != nil,
      executor: executor, logger: logger)
  }

  /// Which of these are remembered; waits for a store that is away. Nil: it was closed, or the task cancelled.
  func remembered(of ids: [String]) async -> Set<String>? {
    if ids.isEmpty { return [] }
    return await insist("look for repeats") { () async throws(BrokerError) in
      try await store.remembered(of: ids, in: scope)
    }
  }

  /// Remembers ids; waits for a store that is away. False: it was closed.
  func remember(_ ids: [String]) async -> Bool {
    if ids.isEmpty { return true }
    return await insist("remember what came to its end") { () async throws(BrokerError) in
      try await store.remember(ids, in: scope, for: window)
      return true
    } ?? false
  }

  private func insist<Value: Sendable>(
    _ what: String, _ body: () async throws(BrokerError) -> Value
  ) async -> Value? {
    var backoff = Backoff()
    var told: String?
    while true {
      do { return try await body() } catch {
        if error.code == .closed || Task.isCancelled { return nil }
        if told != error.message { logger.error("cannot \(what), tries again: \(error.message)") }
        told = error.message
        // An early end of the sleep is seen above.
        try? await Task.sleep(for: backoff.next(), clock: .continuous)
      }
    }
  }
}
