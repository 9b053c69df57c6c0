import MartletCore

@testable import MartletTestKit

/// A function without the runtime: every message becomes an output, in the same commit that completes it.
final class Piper: DeliveryHandler {
  private let output: String
  private let consumer = Locked<(any QueueConsumer)?>(nil)
  private let early = Locked<[Delivery]>([])
  private let suspects = Locked(0)
  private let received = Observed(0)

  init(to output: String) { self.output = output }

  var suspectCount: Int { suspects.withLock { $0 } }

  /// Waits until it has had so many more messages.
  func receives(_ count: Int) async throws {
    let wanted = received.value + count
    let isSo: Bool? = await received.wait(until: .now + .seconds(60)) { $0 >= wanted ? true : nil }
    if isSo == nil { throw TestFailure(text: "received \(received.value) messages, not \(wanted)") }
  }

  /// Gives it the consumer that it commits to; what came before is done now.
  func begin(_ consumer: any QueueConsumer) {
    self.consumer.withLock { $0 = consumer }
    receive(
      early.withLock { early in
        defer { early = [] }
        return early
      })
  }

  func receive(_ deliveries: [Delivery]) {
    received.update { $0 += deliveries.count }
    suspects.withLock { $0 += deliveries.count(where: \.isSuspect) }
    guard let consumer = consumer.withLock({ $0 }) else { return early.withLock { $0 += deliveries } }
    for start in stride(from: 0, to: deliveries.count, by: 20) {
      var group = CommitGroup()
      for delivery in deliveries[start..<min(start + 20, deliveries.count)] {
        let message = OutgoingMessage(
          to: .queue(output), body: delivery.message.body, id: delivery.message.id, contentType: .text)
        group.append(settlement: .complete(delivery.receipt), outputs: [message])
      }
      consumer.commit(group) { _ in }
    }
  }

  func revoke(generationsBefore generation: UInt32) {}
  func report(problem: BrokerError?) {}
}
