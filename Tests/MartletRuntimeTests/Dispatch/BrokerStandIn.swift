import MartletCore

/// A broker and its consumer in one, of which a test of the committer gives only the answers.
protocol BrokerStandIn: Broker, QueueConsumer {}

extension BrokerStandIn {
  func start(deadline: ContinuousClock.Instant) async throws(BrokerError) {}
  func declare(_ queue: QueueDeclaration) async throws(BrokerError) {}
  func consume(
    _ subscription: QueueSubscription, handler: any DeliveryHandler
  ) async throws(BrokerError) -> any QueueConsumer { self }
  func setPrefetch(_ count: Int) {}
  func close(deadline: ContinuousClock.Instant) async {}
}
