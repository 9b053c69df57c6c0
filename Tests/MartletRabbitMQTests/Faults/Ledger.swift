import Foundation
import MartletCore
import MartletRabbitMQ

/// Counts effects by id: written only when the broker has answered.
final class Ledger: Sendable {
  private let effects = Locked<[String: Int]>([:])

  func note(_ ids: some Sequence<String>) {
    effects.withLock { effects in for id in ids { effects[id, default: 0] += 1 } }
  }

  var all: [String: Int] { effects.withLock { $0 } }
  var count: Int { effects.withLock { $0.count } }
}

/// A function in miniature: each input gives one output, in groups, for as long as it lives.
final class Pipe: DeliveryHandler {
  private struct State {
    var consumer: (any QueueConsumer)?
    var early: [Delivery] = []
  }

  private let state = Locked(State())
  private let output: String
  /// Outputs of groups that were applied.
  let applied = Ledger()
  let lost = Locked(0)

  init(to output: String) { self.output = output }

  func start(_ lab: Lab, prefetch: Int = 100) async throws {
    let consumer = try await lab.consume(reader: self, prefetch: prefetch)
    let early = state.withLock { state in
      state.consumer = consumer
      defer { state.early = [] }
      return state.early
    }
    run(early)
  }

  func receive(_ deliveries: [Delivery]) {
    let isReady = state.withLock { state in
      if state.consumer == nil { state.early += deliveries }
      return state.consumer != nil
    }
    if isReady { run(deliveries) }
  }

  private func run(_ deliveries: [Delivery]) {
    guard !deliveries.isEmpty, let consumer = state.withLock({ $0.consumer }) else { return }
    var group = CommitGroup()
    for delivery in deliveries {
      group.append(
        settlement: .complete(delivery.receipt),
        outputs: [
          OutgoingMessage(to: .queue(output), body: delivery.message.body, id: "out-\(delivery.message.id)")
        ])
    }
    consumer.commit(group) { result in
      if result.isApplied {
        self.applied.note(deliveries.map(\.message.id))
      } else {
        self.lost.withLock { $0 += deliveries.count }
      }
    }
  }

  func revoke(generationsBefore generation: UInt32) {}
  func report(problem: BrokerError?) {}
}

extension Lab {
  func consume(reader handler: any DeliveryHandler, prefetch: Int) async throws -> any QueueConsumer {
    try await broker.consume(
      QueueSubscription(queue: QueueDeclaration(name: queue), function: "pipe", prefetch: prefetch), handler: handler)
  }

  /// Reads a queue until every id has come, and answers how often each did.
  func drain(_ queue: String, expecting ids: Set<String>, within limit: Duration = .seconds(120)) async throws
    -> [String: Int]
  {
    let inbox = Inbox()
    // It settles nothing, so all of it must fit.
    let consumer = try await consume(inbox, prefetch: 60_000, queue: queue)
    defer { withExtendedLifetime(consumer) {} }
    try await inbox.wait("\(ids.count) outputs", within: limit) { state in
      state.deliveries.count >= ids.count && Set(state.deliveries.map(\.message.id)).isSuperset(of: ids)
    }
    return inbox.deliveries.reduce(into: [:]) { $0[$1.message.id, default: 0] += 1 }
  }
}
