import MartletCore

/// An event inside the batch that it arrived with, and the number of its run. Passing one on costs a reference, not a
/// copy of all its fields.
struct EventReference: Sendable {
  private let batch: [Event]
  private let index: Int
  /// From 1.
  var attempt = 1

  init(_ batch: [Event], at index: Int) {
    self.batch = batch
    self.index = index
  }

  var value: Event {
    _read { yield batch[index] }
  }

  var offset: EventOffset { batch[index].offset }
  var sequenceNumber: Int64 { batch[index].sequenceNumber }
  var key: String? { batch[index].message.key }
  /// The name of its keyed state: events without a key share one.
  var stateKey: String { key ?? "" }
}
