import Glibc
import MartletCore

/// The thread for questions that need an answer: declarations, counts, dead letters. It has a connection of its own,
/// because every error here closes a channel and every answer may take seconds, and gives it up when it idles.
///
/// Looks into streams wait until nothing else does: each waits for events that may not come, and a partition whose
/// reading begins with a short question would stand still behind those into all the others.
final class Topology: Sendable {
  /// How long a question takes.
  enum Kind: Sendable {
    /// As long as the broker needs for its answer.
    case question
    /// A tenth of a second to one second: a look into a stream.
    case look
  }

  private enum Request: Sendable {
    case work(Kind, @Sendable (Result<TopologyChannel, BrokerError>) -> Progress)
    case close

    var isQuestion: Bool { if case .work(.question, _) = self { true } else { false } }
  }

  private enum Progress {
    case done
    /// To be answered when the queues that were made are safe.
    case doneOnceRegistered(@Sendable () -> Void)
    /// The connection must be made again first.
    case again
  }

  private let mailbox = Mailbox<Request>()
  private let stop = WakeSignal()
  private let url: ConnectionURL
  private let identity: ClientIdentity
  private let modes = Locked<[String: DeclareMode]>([:])
  private let hubs = Locked<[String: HubDeclaration]>([:])
  /// The connection is given up after this much rest.
  private static let rest = Duration.seconds(20)

  init(url: ConnectionURL, identity: ClientIdentity) {
    (self.url, self.identity) = (url, identity)
  }

  func start() {
    NamedThread.start("rabbitmq-topo", stackBytes: ConnectionStack.bytes) { self.run() }.detach()
  }

  /// Ends the thread; what waits is answered with `closed`.
  func close() {
    mailbox.send(.close)
    stop.notify()
  }

  /// In place of `close` where the thread was never started.
  func abandon() {
    for request in mailbox.close() { if case .work(_, let work) = request { _ = work(.failure(.closedBroker)) } }
  }

  /// Runs `work` on the thread, again after a lost connection. `completion` is called exactly once, from there.
  /// - Parameters:
  ///   - kind: questions go before looks.
  ///   - forMessages: messages follow as soon as it is done, so queues that it made must be safe by then.
  func perform<Value: Sendable>(
    as kind: Kind = .question, forMessages: Bool = false,
    _ work: @escaping @Sendable (TopologyChannel) throws(BrokerError) -> Value,
    completion: @escaping @Sendable (Result<Value, BrokerError>) -> Void
  ) {
    let isTaken = mailbox.send(
      .work(kind) { channel in
        do throws(BrokerError) {
          let channel = try channel.get()
          let value = try work(channel)
          if forMessages, channel.registeredAt > .now { return .doneOnceRegistered { completion(.success(value)) } }
          completion(.success(value))
          return .done
        } catch {
          if case .success(let channel) = channel, !channel.isConnected, error.isRetriable { return .again }
          completion(.failure(error))
          return .done
        }
      })
    if !isTaken { completion(.failure(.closedBroker)) }
  }

  /// Runs `work` on the thread and waits.
  func perform<Value: Sendable>(
    as kind: Kind = .question, forMessages: Bool = false,
    _ work: @escaping @Sendable (TopologyChannel) throws(BrokerError) -> Value
  ) async throws(BrokerError) -> Value {
    let result = await withCheckedContinuation { continuation in
      perform(as: kind, forMessages: forMessages, work) { continuation.resume(returning: $0) }
    }
    return try result.get()
  }

  /// Makes the delay ladder in the background, so that the first delay does not wait for it. Who may not make it has it
  /// made by somebody else, or hears of it with the first delay.
  func prepareLadder() {
    perform(
      { channel throws(BrokerError) in try channel.declareNextLevel() },
      completion: { result in if case .success(true) = result { self.prepareLadder() } })
  }

  /// Remembers how a queue may be made, for outputs that find it missing.
  func note(_ queue: QueueDeclaration) { modes.withLock { $0[queue.name] = queue.mode } }

  /// Remembers how a hub may be made, for outputs that find it missing.
  func note(_ hub: HubDeclaration) { hubs.withLock { $0[hub.name] = hub } }

  /// How a hub may be made. Default: as it is, or with the default count.
  func declaration(ofHub name: String) -> HubDeclaration {
    hubs.withLock { $0[name] ?? HubDeclaration(name: name) }
  }

  /// How a queue may be made. Default: `create`.
  func mode(of queue: String) -> DeclareMode { modes.withLock { $0[queue] ?? .create } }

  private func run() {
    var channel: TopologyChannel?
    var waiting: [Request] = []
    var backoff = Backoff()
    var lastUse = ContinuousClock.now
    var unregistered: [@Sendable () -> Void] = []
    while true {
      waiting += mailbox.takeAll()
      if channel.map({ $0.registeredAt <= .now }) ?? true {
        for answer in unregistered { answer() }
        unregistered = []
      }
      if waiting.contains(where: { if case .close = $0 { true } else { false } }) { break }
      let next = waiting.firstIndex(where: \.isQuestion) ?? waiting.startIndex
      if next < waiting.endIndex, case .work(_, let work) = waiting[next] {
        lastUse = .now
        do throws(BrokerError) {
          let open: TopologyChannel
          if let channel {
            open = channel
          } else {
            open = try TopologyChannel(url: url, identity: identity, stop: stop)
          }
          channel = open
          switch work(.success(open)) {
          case .again: break
          case .doneOnceRegistered(let answer):
            unregistered.append(answer)
            fallthrough
          case .done:
            waiting.remove(at: next)
            backoff.reset()
          }
          if !open.isConnected { channel = nil }
        } catch  where error.isRetriable {
          rest(until: .now + backoff.next(), nil)
        } catch {
          _ = work(.failure(error))
          waiting.remove(at: next)
        }
      } else if let open = channel {
        let end = open.ownedQueue == nil ? lastUse + Self.rest : nil
        if let wakeTime = try? open.idle(), end.map({ .now < $0 }) ?? true {
          rest(until: min(wakeTime, end ?? wakeTime, unregistered.isEmpty ? wakeTime : open.registeredAt), open)
        } else {
          open.disconnect()
          channel = nil
        }
      } else {
        rest(until: .now + .seconds(60), nil)
      }
    }
    channel?.disconnect()
    for answer in unregistered { answer() }
    for request in waiting { if case .work(_, let work) = request { _ = work(.failure(.closedBroker)) } }
    abandon()
  }

  private func rest(until: ContinuousClock.Instant, _ channel: TopologyChannel?) {
    var interests = [
      pollfd(fd: mailbox.signal.descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0),
    ]
    if let channel { interests.append(pollfd(fd: channel.descriptor, events: Int16(POLLIN), revents: 0)) }
    let milliseconds = ((until - .now) / .milliseconds(1)).rounded(.up)
    _ = poll(&interests, nfds_t(interests.count), Int32(max(0, min(milliseconds, 60_000))))
  }
}
