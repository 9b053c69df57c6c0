import Foundation
public import MartletCore

/// Queues, event hubs and the store of consumer groups on Redis 7 or later: one stream for a queue or a partition,
/// settled and sent in one Lua call.
///
/// A commit is atomic, fenced by the consumer's lease or the owner's epoch, and numbered, so processing from queue or hub
/// to queue or hub is effectively once. What a restart of Redis keeps is Redis' matter: see `start`.
public final class RedisBroker: Broker {
  public let system = "redis"
  let url: RedisURL
  let environment: BrokerEnvironment
  let mailbox = Mailbox<RedisLoop.Job>()
  private let nextReader = Locked(0)
  private let domain: CommitDomain

  /// - Parameters:
  ///   - url: `redis://[user[:password]@]host[:port][/database]`.
  ///   - environment: the app, its logger and its limits.
  /// - Throws: `configuration` for a URL that cannot be. Nothing is connected yet.
  public init(url: String, environment: BrokerEnvironment) throws(BrokerError) {
    let url = try RedisURL(url)
    self.url = url
    self.environment = environment
    domain = CommitDomain("redis://\(url.place)")
    let mailbox = mailbox
    NamedThread.start("martlet-redis") { RedisLoop(url: url, environment: environment, mailbox: mailbox).run() }
      .detach()
  }

  deinit { mailbox.send { $0.stop() } }

  public func commitDomain(for address: Address) -> CommitDomain { domain }

  /// Connects, and refuses a Redis that forgets: without append-only file, or one that evicts keys, unless
  /// `allowVolatile` is set. With `appendfsync always` what Redis has answered outlives everything; with `everysec`, its
  /// default, a kill may cost the last moments where the disk is slow, and a loss of power a second or two: it may answer
  /// before it has written.
  public func start(deadline: ContinuousClock.Instant) async throws(BrokerError) {
    let answers = try await ask(["CONFIG", "GET", "appendonly"], ["CONFIG", "GET", "maxmemory-policy"], by: deadline)
    guard !environment.allowVolatile else { return }
    for answer in answers where answer.isError {
      environment.logger.warning(
        "redis: whether \(url.place) keeps its data cannot be checked (\(answer.texts[0])); it should have appendonly yes and maxmemory-policy noeviction"
      )
      return
    }
    func value(_ index: Int) -> String? { answers[index].texts.count > 1 ? answers[index].texts[1] : nil }
    if let appendonly = value(0), appendonly != "yes" {
      throw Self.volatile(url, "appendonly is \"\(appendonly)\"", "appendonly yes", "a restart would lose messages")
    }
    if let policy = value(1), policy != "noeviction" {
      throw Self.volatile(
        url, "maxmemory-policy is \"\(policy)\"", "maxmemory-policy noeviction", "a full memory would drop queues")
    }
  }

  private static func volatile(_ url: RedisURL, _ fact: String, _ fix: String, _ why: String) -> BrokerError {
    BrokerError(
      .configuration,
      "Redis at \(url.place) may forget: \(fact), so \(why). Set \"\(fix)\" in Redis, or allowVolatile in Martlet",
      isRetriable: false)
  }

  public func declare(_ queue: QueueDeclaration) async throws(BrokerError) {
    guard queue.mode != .never else { return }
    let answer: [Answer]
    if queue.mode == .create {
      answer = try await ask(["XGROUP", "CREATE", queue.name, QueueKeys.group, "0", "MKSTREAM"], by: nil)
      if answer[0].isError, answer[0].texts[0].hasPrefix("BUSYGROUP") { return }
    } else {
      answer = try await ask(["XLEN", queue.name], ["EXISTS", queue.name], by: nil)
      if answer[1].texts == ["0"] {
        throw BrokerError(.notFound, "the queue \"\(queue.name)\" does not exist on \(url.place)", isRetriable: true)
      }
    }
    if answer[0].isError { throw BrokerError(redis: answer[0].texts[0], at: url) }
  }

  public func consume(_ subscription: QueueSubscription, handler: any DeliveryHandler) async throws(BrokerError)
    -> any QueueConsumer
  {
    let id = nextReaderID()
    let error: BrokerError? = await withCheckedContinuation { continuation in
      let isTaken = mailbox.send { loop in
        let reader = QueueReader(id: id, subscription, handler: handler, loop: loop) { error in
          if error != nil, let reader = loop.reader(id) { loop.remove(reader) }
          continuation.resume(returning: error)
        }
        loop.add(reader)
        reader.begin()
      }
      if !isTaken { continuation.resume(returning: Self.closed) }
    }
    if let error { throw error }
    return RedisConsumer(id: id, mailbox: mailbox)
  }

  func nextReaderID() -> Int {
    nextReader.withLock { next in
      next += 1
      return next
    }
  }

  public func publish(_ messages: [OutgoingMessage], completion: @escaping @Sendable (CommitResult) -> Void) {
    let isTaken = mailbox.send { loop in MixedPublication.begin(messages, on: loop, completion) }
    if !isTaken { completion(.ownershipLost) }
  }

  public func close(deadline: ContinuousClock.Instant) async {
    await withCheckedContinuation { continuation in
      let once = Once { continuation.resume() }
      let isTaken = mailbox.send { loop in
        loop.finish(by: deadline) {
          loop.stop()
          once.fire()
        }
      }
      if !isTaken { once.fire() }
    }
  }

  static let closed = BrokerError(.closed, "the broker was closed", isRetriable: true)
}
