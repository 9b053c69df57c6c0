import Martlet
import MartletTestKit

/// Reads a quiet queue to its end and settles what it reads.
final class QueueDump: DeliveryHandler {
  private struct State {
    var messages: [(body: String, id: String)] = []
    var consumer: (any QueueConsumer)?
    var waiting: [Delivery] = []
  }

  private let state = Locked(State())

  /// Everything that `queue` holds.
  static func read(_ queue: String, of broker: any BrokerAdministration) async throws -> [(body: String, id: String)] {
    let dump = QueueDump()
    let before = try await broker.counts(of: queue)
    let expected = before.ready + before.unsettled + before.delayed
    let consumer = try await broker.consume(
      QueueSubscription(queue: QueueDeclaration(name: queue), function: "dump", prefetch: 500), handler: dump)
    dump.open(consumer)
    try await eventually("\(queue) is read to its end", within: .seconds(120)) {
      let counts = try await broker.counts(of: queue)
      // What is on its way to this consumer is in none of RabbitMQ's numbers.
      return counts.ready + counts.unsettled + counts.delayed == 0
        && dump.state.withLock { $0.messages.count } >= expected
    }
    await consumer.close(deadline: .now + .seconds(20))
    return dump.state.withLock { $0.messages }
  }

  private func open(_ consumer: any QueueConsumer) {
    let waiting = state.withLock { state in
      state.consumer = consumer
      defer { state.waiting = [] }
      return state.waiting
    }
    settle(waiting, with: consumer)
  }

  func receive(_ deliveries: [Delivery]) {
    let consumer = state.withLock { state in
      if state.consumer == nil { state.waiting += deliveries }
      return state.consumer
    }
    if let consumer { settle(deliveries, with: consumer) }
  }

  private func settle(_ deliveries: [Delivery], with consumer: any QueueConsumer) {
    var group = CommitGroup()
    for delivery in deliveries { group.append(settlement: .complete(delivery.receipt), outputs: []) }
    guard !group.isEmpty else { return }
    consumer.commit(group) { [self] result in
      guard case .applied = result else { return }
      state.withLock { state in
        state.messages += deliveries.map { ($0.message.body.string ?? "?", $0.message.id) }
      }
    }
  }

  func revoke(generationsBefore generation: UInt32) {}
  func report(problem: BrokerError?) {}
}
