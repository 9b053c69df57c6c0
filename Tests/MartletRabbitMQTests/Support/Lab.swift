import Foundation
import MartletCore
import MartletRabbitMQ
import MartletTestKit
import TestServers
import Testing

/// A broker and a queue of a test's own.
struct Lab {
  let broker: RabbitMQBroker
  let queue: String
  let log: LogCollector
  private let end: Task<Void, any Error>

  /// How long a test may take. A broker waits for a server without end: where none answers, only this ends the test, and
  /// says which it was. Many times what the slowest needs.
  private static let limit = Duration.seconds(240)

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
    let end = Task { [limit] in
      try await Task.sleep(for: limit, clock: .continuous)
      Issue.record("the test has not ended within \(limit); its broker is closed, which answers whoever waits")
      await broker.close(deadline: .now)
    }
    return Lab(broker: broker, queue: queue, log: log, end: end)
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
    await leave()
  }

  /// Ends, and leaves its queues.
  func leave() async {
    await broker.close(deadline: .now + .seconds(20))
    end.cancel()
  }

  /// Ends as a killed process would: nothing is settled, nothing is said.
  func crash() async {
    await broker.close(deadline: .now)
    end.cancel()
  }

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
