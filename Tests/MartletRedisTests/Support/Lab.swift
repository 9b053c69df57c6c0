import Foundation
import MartletCore
import MartletRedis
import MartletTestKit
import TestServers

/// A broker and a queue of a test's own.
struct Lab {
  let url: String
  let broker: RedisBroker
  let queue: String
  let log: LogCollector
  /// What a stranger with `redis-cli` does.
  let redis: RedisCommand

  static func open(
    url: String? = nil, instance: String = MessageIdentifier.random(), lease: Duration = .seconds(60),
    maxMessageBytes: Int = 16 << 20, queue: String = "t-" + UUID().uuidString
  ) async throws -> Lab {
    let server = if let url { url } else { try await SharedServer.redisURL() }
    let log = LogCollector()
    let broker = try RedisBroker(
      url: server,
      environment: BrokerEnvironment(
        app: "tests", instance: instance, logger: Logger(level: .debug, sink: log.sink), lease: lease,
        maxMessageBytes: maxMessageBytes))
    try await broker.start(deadline: .now + .seconds(30))
    return Lab(url: server, broker: broker, queue: queue, log: log, redis: RedisCommand(url: server))
  }

  func consume(_ inbox: Inbox, prefetch: Int = 50, queue: String? = nil) async throws(BrokerError)
    -> any QueueConsumer
  {
    try await broker.consume(
      QueueSubscription(
        queue: QueueDeclaration(name: queue ?? self.queue), function: "test", prefetch: prefetch),
      handler: inbox)
  }

  func message(_ body: String, id: String = MessageIdentifier.random(), to queue: String? = nil) -> OutgoingMessage {
    OutgoingMessage(to: .queue(queue ?? self.queue), body: Bytes(body), id: id, contentType: .text)
  }

  func close() async {
    try? await broker.delete(queue: queue)
    await broker.close(deadline: .now + .seconds(10))
  }

  /// Waits until the counts are as asked.
  func counts(within limit: Duration = .seconds(30), _ isReached: (QueueCounts) -> Bool) async throws -> QueueCounts {
    var counts = QueueCounts()
    try await until("the counts", within: limit) {
      counts = try await broker.counts(of: queue)
      return isReached(counts)
    }
    return counts
  }

  /// Looks until it is so.
  func until(_ what: String, within limit: Duration = .seconds(30), _ isSo: () async throws -> Bool) async throws {
    try await eventually(what, within: limit, isSo)
  }
}
