/// What was published on a channel and not yet confirmed, by the broker's count of publishes (1, 2, 3…).
struct ConfirmWindow<Item> {
  private struct Slot {
    var item: Item?
    var isReturned = false
  }

  /// What the broker said of an item.
  enum Verdict {
    /// It is durable in every queue that it was routed to.
    case confirmed
    /// No queue took it.
    case unroutable
    /// The broker could not keep it.
    case refused
  }

  private var slots: [Slot] = []
  private var head = 0
  /// The publish that `slots[head]` is.
  private var firstTag: UInt64 = 1
  /// Items that wait for a verdict.
  private(set) var count = 0

  /// The number of the newest publish.
  var lastTag: UInt64 { firstTag + UInt64(slots.count - head) - 1 }

  /// Whether everything up to a publish has its verdict, or came back when its channel ended.
  func isSettled(through tag: UInt64) -> Bool { count == 0 || firstTag > tag }

  mutating func append(_ item: Item) {
    slots.append(Slot(item: item))
    count += 1
  }

  /// `basic.ack` or `basic.nack`: calls `settle` for each item that it speaks of.
  mutating func confirm(_ tag: UInt64, multiple: Bool, isAck: Bool, _ settle: (Item, Verdict) -> Void) {
    let last = tag == 0 ? slots.count - 1 : head + Int(clamping: tag) - Int(clamping: firstTag)
    guard last >= head, last < slots.count else { return }
    for index in (multiple ? head : last)...last {
      guard let item = slots[index].item.take() else { continue }
      count -= 1
      settle(item, isAck ? (slots[index].isReturned ? .unroutable : .confirmed) : .refused)
    }
    while head < slots.count, slots[head].item == nil {
      head += 1
      firstTag += 1
    }
    if head == slots.count {
      slots.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= 1024, head * 2 >= slots.count {
      slots.removeFirst(head)
      head = 0
    }
  }

  /// `basic.return`, which comes before the ack and names no number: marks the first item that `matches`.
  mutating func markReturned(where matches: (Item) -> Bool) -> Bool {
    for index in head..<slots.count {
      if !slots[index].isReturned, let item = slots[index].item, matches(item) {
        slots[index].isReturned = true
        return true
      }
    }
    return false
  }

  /// The channel is gone: all that has no verdict, in order. The count begins again.
  mutating func removeAll() -> [Item] {
    defer { self = ConfirmWindow() }
    return slots[head...].compactMap(\.item)
  }
}
