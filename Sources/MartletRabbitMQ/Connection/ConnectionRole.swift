import MartletCore

/// What a connection is for. Lives on the connection's thread; every method returns at once.
protocol ConnectionRole: AnyObject {
  associatedtype Command: Sendable

  /// Something that another thread asks.
  func handle(_ command: Command, wire: Wire?, now: ContinuousClock.Instant)
  /// The connection is up: open channels.
  func opened(_ wire: Wire, now: ContinuousClock.Instant)
  /// A frame of a channel, or `connection.blocked` and `unblocked`.
  func receive(_ frame: Frame, wire: Wire, now: ContinuousClock.Instant) throws(BrokerError)
  /// Everything that came is handled: append what is to be written. Answers when to be called again at the latest.
  func finishTurn(wire: Wire?, now: ContinuousClock.Instant) -> ContinuousClock.Instant?
  /// How long what comes next may wait, since there is enough to do without it: at most 4 ms.
  var pauseOfReading: Duration { get }
  /// What was appended went to the system, as far as `Wire.isWritten` says.
  func wrote(_ wire: Wire)
  /// The connection is gone, or could not be made.
  func lost(_ error: BrokerError, now: ContinuousClock.Instant)
  /// Finish what was handed in, until `deadline`.
  func close(deadline: ContinuousClock.Instant, now: ContinuousClock.Instant)
  /// Nothing is left to finish.
  var isDrained: Bool { get }
  /// The deadline has passed: answer everybody who waits.
  func abandon()
}

/// What other threads send to a connection.
enum LoopCommand<Command: Sendable>: Sendable {
  case role(Command)
  /// Answer when the connection is up (nil), when it is refused for good, or at the deadline.
  case whenOpen(deadline: ContinuousClock.Instant, answer: @Sendable (BrokerError?) -> Void)
  case close(deadline: ContinuousClock.Instant, answer: @Sendable () -> Void)
}
