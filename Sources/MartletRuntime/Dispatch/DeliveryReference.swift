import MartletCore

/// A delivery inside the batch that it arrived with. Passing one on costs a reference, not a copy of all its fields.
struct DeliveryReference: Sendable {
  private let batch: [Delivery]
  private let index: Int

  init(_ batch: [Delivery], at index: Int) {
    self.batch = batch
    self.index = index
  }

  init(_ delivery: Delivery) { self.init([delivery], at: 0) }

  /// Whether something may keep it from being run; most deliveries have neither.
  var needsCheck: Bool { batch[index].attempt > 1 || batch[index].message.expiresAt != nil }

  /// Its life of the consumer.
  var generation: UInt32 { batch[index].receipt.generation }

  var receipt: Receipt { batch[index].receipt }

  var value: Delivery {
    _read { yield batch[index] }
  }
}
