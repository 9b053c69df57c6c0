/// The deliveries of one channel that are not yet acknowledged, by delivery tag (1, 2, 3…), and which acknowledgements
/// are due: one `multiple` behind the finished prefix, single ones behind a delivery that takes long.
struct AckWindow {
  private enum State { case open, done, acknowledged }

  private struct Slot {
    var state = State.open
    var batch: SettledBatch?
  }

  /// Deliveries that came at the same time: one after the other, up to the first of the next.
  private struct Arrival {
    let firstTag: UInt64
    let time: ContinuousClock.Instant
  }

  /// An acknowledgement to send.
  struct Acknowledgement: Equatable {
    var tag: UInt64
    var multiple: Bool
  }

  /// Behind a delivery that takes longer, others are acknowledged one by one.
  static let patience = Duration.milliseconds(50)

  private var slots: [Slot] = []
  private var head = 0
  /// When they came. Not in each slot: an instant's layout is not known when this is compiled, and slots are many.
  private var arrivals: [Arrival] = []
  private var firstTag: UInt64 = 1
  /// Settled, but not acknowledged, since something older is not settled.
  private var waiting = 0
  /// Delivered and not settled.
  private(set) var open = 0
  /// Whether all that is settled is acknowledged.
  var isFlushed: Bool { waiting == 0 }

  /// A delivery came. Answers false where the broker skipped numbers: then nothing here can be trusted.
  mutating func delivered(_ tag: UInt64, at now: ContinuousClock.Instant) -> Bool {
    guard tag == firstTag + UInt64(slots.count - head) else { return false }
    if arrivals.last?.time != now { arrivals.append(Arrival(firstTag: tag, time: now)) }
    slots.append(Slot())
    open += 1
    return true
  }

  /// The tag of the next delivery.
  var nextTag: UInt64 { firstTag + UInt64(slots.count - head) }

  /// How many deliveries from a tag on are not acknowledged.
  func unacknowledged(from tag: UInt64) -> Int {
    if firstTag >= tag { return open + waiting }
    return slots.dropFirst(head + Int(tag - firstTag)).count { $0.state != .acknowledged }
  }

  /// When the oldest one came that is not acknowledged.
  private var headTime: ContinuousClock.Instant? { arrivals.first?.time }

  /// A delivery is settled. False for one that is not open.
  mutating func settle(_ tag: UInt64, _ batch: SettledBatch?) -> Bool {
    guard tag >= firstTag, tag - firstTag < UInt64(slots.count - head) else { return false }
    let index = head + Int(tag - firstTag)
    guard slots[index].state == .open else { return false }
    slots[index].state = .done
    slots[index].batch = batch
    open -= 1
    waiting += 1
    return true
  }

  /// The acknowledgements that are due now. `acknowledged` gets the batch of each delivery that they cover.
  mutating func takeDue(
    now: ContinuousClock.Instant, patience: Duration = AckWindow.patience, _ send: (Acknowledgement) -> Void,
    acknowledged: (SettledBatch) -> Void
  ) {
    guard waiting > 0 else { return }
    var prefix = 0
    // The broker answers a tag that was acknowledged before by closing the channel, `multiple` or not.
    var last: UInt64 = 0
    while head < slots.count, slots[head].state != .open {
      if slots[head].state == .done {
        prefix += 1
        last = firstTag
        if let batch = slots[head].batch { acknowledged(batch) }
        slots[head].batch = nil
      }
      head += 1
      firstTag += 1
    }
    waiting -= prefix
    arrivals.removeFirst(arrivals.dropFirst().prefix { $0.firstTag <= firstTag }.count)
    if prefix > 0 { send(Acknowledgement(tag: last, multiple: true)) }
    if head < slots.count, waiting > 0, let headTime, now - headTime >= patience {
      for index in head..<slots.count where slots[index].state == .done {
        slots[index].state = .acknowledged
        if let batch = slots[index].batch { acknowledged(batch) }
        slots[index].batch = nil
        send(Acknowledgement(tag: firstTag + UInt64(index - head), multiple: false))
      }
      waiting = 0
    }
    if head == slots.count {
      slots.removeAll(keepingCapacity: true)
      arrivals.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= 1024, head * 2 >= slots.count {
      slots.removeFirst(head)
      head = 0
    }
  }

  /// When an acknowledgement that waits for an older delivery is due; nil where none waits.
  var dueTime: ContinuousClock.Instant? {
    waiting > 0 && head < slots.count ? headTime.map { $0 + Self.patience } : nil
  }

  /// The channel is gone: calls `lost` for each settled delivery that was not acknowledged, and begins again.
  mutating func removeAll(_ lost: (SettledBatch) -> Void) {
    for slot in slots[head...] { if let batch = slot.batch { lost(batch) } }
    self = AckWindow()
  }
}
