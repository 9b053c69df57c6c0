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
  /// How many deliveries may be unsettled, at most what AMQP can say.
  var wanted: Int { didSet { wanted = min(wanted, Self.most) } }
  private static let most = 65_535

  init(wanted: Int) { self.wanted = min(wanted, Self.most) }

  /// Whether no delivery can come any more.
  var isOff: Bool { state == .off }
  /// Whether the broker has granted a subscription.
  var isOn: Bool { state == .on }

  /// Whether more is wanted than the subscription grants, by enough to be worth another one.
  var mustGrow: Bool { state == .on && (wanted - granted) * 8 > granted }

  /// Whether less is wanted, by enough to be worth another subscription.
  var mustShrink: Bool { state == .on && wanted > 0 && (granted - wanted) * 8 > granted }

  /// The next step towards what is wanted. A prefetch belongs to a subscription, so another one needs another; small
  /// changes are left to the reader, which holds back what is too much.
  ///
  /// A quorum queue takes back what was on its way to a subscription that ends, and counts it as an attempt. So one ends
  /// only when all that it grants is here, and nothing can be on its way; one that is never used up need not grow. One
  /// that is to shrink ends in a pause too.
  /// - Parameters:
  ///   - unsettled: what earlier subscriptions left. A new one does not count it, so it waits for some room.
  ///   - isQuiet: whether nothing came, and nothing was acknowledged that could bring more.
  ///   - unacknowledged: what this subscription has brought and was not acknowledged.
  mutating func next(
    unsettled: Int = 0, isQuiet: Bool = false, unacknowledged: @autoclosure () -> Int = .max
  ) -> Action {
    switch state {
    case .off where wanted > unsettled:
      (state, granted, tag) = (.subscribing, wanted, tag + 1)
      return .subscribe(prefetch: granted, tag: tag)
    case .on
    where wanted == 0 || (mustShrink && isQuiet) || ((mustGrow || mustShrink) && unacknowledged() >= granted):
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
