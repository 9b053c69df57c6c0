/// A consumer's lease, seen from its own side: by the monotonic clock of this machine, which also runs while the machine
/// sleeps.
///
/// The server takes it for dead one lease after the last renewal. It takes itself for dead earlier, after two thirds,
/// counted from when the renewal was sent: so it has stopped before another begins.
struct Lease {
  let length: Duration
  private var renewed: ContinuousClock.Instant?

  init(length: Duration) { self.length = length }

  /// The server has confirmed what was sent at this time.
  mutating func confirm(sentAt time: ContinuousClock.Instant) { renewed = max(renewed ?? time, time) }

  /// There is none any more.
  mutating func drop() { renewed = nil }

  /// When it must be taken for lost; nil without one.
  var end: ContinuousClock.Instant? { renewed.map { $0 + length * 2 / 3 } }

  /// How often it is renewed.
  var interval: Duration { max(.milliseconds(50), length / 5) }
}
