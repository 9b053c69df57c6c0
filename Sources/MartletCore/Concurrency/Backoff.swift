/// The waits between attempts to reach a broker: exponential, full jitter between half and all of the step.
public struct Backoff: Sendable {
  private let first: Duration
  private let longest: Duration
  private var step: Duration

  /// - Parameters:
  ///   - first: the first wait at most. Default 100 ms.
  ///   - longest: where doubling ends. Default 10 s.
  public init(first: Duration = .milliseconds(100), longest: Duration = .seconds(10)) {
    self.first = first
    self.longest = longest
    step = first
  }

  /// The next wait.
  public mutating func next() -> Duration {
    defer { step = min(step * 2, longest) }
    return step * Double.random(in: 0.5...1)
  }

  /// After a success: begin again.
  public mutating func reset() { step = first }
}
