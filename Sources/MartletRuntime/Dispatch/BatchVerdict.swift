import MartletCore

/// What became of a batch: message by message, or all at once.
struct BatchVerdict: Sendable {
  /// What became of one message.
  enum Event: Sendable {
    case success(Outputs)
    case failure(any Error)
  }

  /// The messages that share one outcome and the invocation's outputs.
  private(set) var together: [DeliveryReference] = []
  /// What they send together.
  private(set) var outputs = Outputs.nothing
  /// The messages with an outcome of their own.
  private(set) var each: [(delivery: DeliveryReference, event: Event)] = []

  init(undecodable: [(delivery: DeliveryReference, error: any Error)]) {
    each = undecodable.map { ($0.delivery, .failure(Undecodable(underlying: $0.error))) }
  }

  mutating func succeedTogether(_ deliveries: [DeliveryReference], outputs: Outputs) {
    together = deliveries
    self.outputs = outputs
  }
  mutating func add(_ delivery: DeliveryReference, _ event: Event) { each.append((delivery, event)) }
}
