/// An event that is run alone after an owner died, with the attempt that was recorded before it ran.
public struct SuspectEvent: Sendable, Hashable {
  /// Which.
  public var offset: EventOffset
  /// The number of that run.
  public var attempt: Int

  public init(offset: EventOffset, attempt: Int) {
    self.offset = offset
    self.attempt = attempt
  }
}
