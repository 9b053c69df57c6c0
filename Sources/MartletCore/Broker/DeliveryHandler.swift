/// The runtime's side of a consumer. The broker calls it from its connection thread: every method returns at once.
public protocol DeliveryHandler: AnyObject, Sendable {
  /// Messages to run. Never more than the prefetch allows, counting all that are not yet settled.
  func receive(_ deliveries: [Delivery])

  /// Deliveries of generations before this one are no longer this consumer's: those that wait need not start, and
  /// commits of those that run will answer `ownershipLost`. The prefetch they held is free again.
  func revoke(generationsBefore generation: UInt32)

  /// The queue cannot be read for now (403, a queue with other arguments), or can again (nil). The broker keeps trying.
  func report(problem: BrokerError?)
}
