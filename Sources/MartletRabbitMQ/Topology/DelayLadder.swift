import MartletCore

/// How messages are delayed without a plugin: a ladder of quorum queues, each with a time to live of twice the one below.
///
/// A delay is a number of units of 10 ms, in binary. The routing key carries its digits, highest first, and then the name
/// of the queue: `0.0.…1.0.1.orders`. Each level has a topic exchange that looks at its own digit: 1 goes into the queue
/// of the level, where the message waits and then is dead-lettered one level down; 0 goes down at once. Below the last
/// level an exchange delivers to the queue. Messages only go down, so the broker never sees a circle.
enum DelayLadder {
  static let levels = 27
  static let unit: Int64 = 10
  static let prefix = "martlet.delay."
  /// The exchange below the ladder. Each queue is bound to it.
  static let delivery = "martlet.delay.deliver"
  /// Where messages go whose queue was deleted meanwhile: exchange and queue. They would stop the ladder otherwise.
  static let unroutable = "martlet.delay.unroutable"
  /// One pass is at most this long, 15.5 days; what is later goes through again.
  static let longest = Duration.milliseconds(unit * ((1 << Int64(levels)) - 1))
  /// Long delays are rounded up to this many binary digits, so that no message takes more hops.
  static let digits = 16

  static func name(ofLevel level: Int) -> String { "\(prefix)\(level)" }
  static func exchange(below level: Int) -> String { level == 0 ? delivery : name(ofLevel: level - 1) }
  static func milliseconds(ofLevel level: Int) -> Int64 { unit << Int64(level) }

  /// Where to publish a message that waits; nil where the delay is nothing.
  static func route(to queue: String, after delay: Duration) -> Route? {
    let wanted = min(delay, longest) / .milliseconds(1)
    guard wanted > 0 else { return nil }
    var units = Int64((wanted / Double(unit)).rounded(.up))
    let spare = max(0, Int64.bitWidth - units.leadingZeroBitCount - digits)
    units = min(((units + (1 << spare) - 1) >> spare) << spare, (1 << Int64(levels)) - 1)
    var key: [UInt8] = []
    key.reserveCapacity(2 * levels + queue.utf8.count)
    for level in (0..<levels).reversed() {
      key.append((units >> Int64(level)) & 1 == 1 ? UInt8(ascii: "1") : UInt8(ascii: "0"))
      key.append(UInt8(ascii: "."))
    }
    key.append(contentsOf: queue.utf8)
    let top = Int64.bitWidth - units.leadingZeroBitCount - 1
    return Route(exchange: name(ofLevel: top), routingKey: String(decoding: key, as: UTF8.self))
  }

  /// The binding of a level for its own digit.
  static func pattern(ofLevel level: Int, digit: Int) -> String {
    String(repeating: "*.", count: levels - 1 - level) + "\(digit).#"
  }

  /// The binding of a queue below the ladder. As many words as there are digits, so that `orders` does not get what is
  /// for `eu.orders`.
  static func pattern(of queue: String) -> String { String(repeating: "*.", count: levels) + queue }
}
