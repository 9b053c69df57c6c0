import Foundation
import MartletCore
import MartletRabbitMQ
import MartletTestKit
import TestServers

/// A broker and a queue of a test's own.
struct Lab {
  let broker: RabbitMQBroker
  let queue: String
  let log: LogCollector

  /// On the server that all tests share, or on another one.
  static func open(
    at url: String? = nil, maxMessageBytes: Int = 16 << 20, queue: String = "t-" + UUID().uuidString
  ) async throws -> Lab {
    let log = LogCollector()
    let environment = BrokerEnvironment(
      app: "tests", logger: Logger(level: .debug, sink: log.sink), maxMessageBytes: maxMessageBytes)
    let address = if let url { url } else { try await SharedServer.rabbitMQURL() }
    let broker = try RabbitMQBroker(url: address, environment: environment)
    try await broker.start(deadline: .now + .seconds(60))
    return Lab(broker: broker, queue: queue, log: log)
  }

  /// A second process on the same queue.
  func other(at url: String? = nil) async throws -> Lab { try await Lab.open(at: url, queue: queue) }

  func consume(_ inbox: Inbox, prefetch: Int = 50, mode: DeclareMode = .create, queue: String? = nil) async throws
    -> any QueueConsumer
  {
    try await broker.consume(
      QueueSubscription(
        queue: QueueDeclaration(name: queue ?? self.queue, mode: mode), function: "test", prefetch: prefetch),
      handler: inbox)
  }

  func message(
    _ body: String, id: String = MessageIdentifier.random(), to queue: String? = nil, deliverAt: Date? = nil,
    timeToLive: Duration? = nil
  ) -> OutgoingMessage {
    OutgoingMessage(
      to: .queue(queue ?? self.queue), body: Bytes(body), id: id, contentType: .text, deliverAt: deliverAt,
      timeToLive: timeToLive)
  }

  /// Ends, and takes its queues along.
  func close(alsoDeleting queues: String...) async {
    for queue in [queue] + queues { try? await broker.delete(queue: queue) }
    await broker.close(deadline: .now + .seconds(20))
  }

  /// Ends as a killed process would: nothing is settled, nothing is said.
  func crash() async { await broker.close(deadline: .now) }

  /// Waits until the counts are as asked.
  @discardableResult
  func wait(_ what: String, within limit: Duration = .seconds(60), _ isReached: (QueueCounts) -> Bool) async throws
    -> QueueCounts
  {
    var counts = QueueCounts()
    try await eventually("\(what), not \(counts)", within: limit) {
      counts = try await broker.counts(of: queue)
      return isReached(counts)
    }
    return counts
  }
}

struct TestFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
