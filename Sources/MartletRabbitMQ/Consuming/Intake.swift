/// How much a reader takes in: the prefetch that is wanted, and the subscription that grants it. A state machine
/// without I/O.
struct Intake {
  enum Action: Equatable {
    case none
    /// `basic.qos` and `basic.consume` under a tag of this number.
    case subscribe(prefetch: Int, tag: Int)
    /// `basic.cancel` of the tag of this number.
    case cancel(tag: Int)
  }

  private enum State: Equatable { case off, subscribing, on, cancelling }

  private var state = State.off
  private var granted = 0
  private var tag = 0
  /// How many deliveries may be unsettled.
  var wanted: Int

  init(wanted: Int) { self.wanted = wanted }

  /// Whether no delivery can come any more.
  var isOff: Bool { state == .off }
  /// Whether the broker has granted a subscription.
  var isOn: Bool { state == .on }

  /// The next step towards what is wanted. A prefetch belongs to a subscription, so another one needs another; small
  /// changes are left to the reader, which holds back what is too much.
  /// - Parameter unsettled: what earlier subscriptions left. A new one does not count it, so it waits for some room.
  mutating func next(unsettled: Int = 0) -> Action {
    switch state {
    case .off where wanted > unsettled:
      (state, granted, tag) = (.subscribing, wanted, tag + 1)
      return .subscribe(prefetch: min(wanted, 65_535), tag: tag)
    case .on where wanted == 0 || abs(wanted - granted) * 8 > granted:
      state = .cancelling
      return .cancel(tag: tag)
    default: return .none
    }
  }

  mutating func subscribed() { if state == .subscribing { state = .on } }
  mutating func cancelled() { if state == .cancelling { state = .off } }
  /// The channel is gone.
  mutating func reset() { state = .off }
}
