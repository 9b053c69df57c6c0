import MartletCore

/// A function at work, whatever it reads: what a host starts, watches and drains.
protocol Runner: AnyObject, Sendable {
  var plan: FunctionPlan { get }

  /// Runs that were given up and have not returned.
  var lost: Int { get }

  /// Begins to read.
  /// - Throws: what keeps the function from it; the host tries again.
  func start(_ brokers: BrokerDirectory) async throws(BrokerError)

  /// What the clock asks for. False when there is nothing to watch.
  func tick(now: MonotonicTime) -> Bool

  /// Stops the intake, and lets what runs finish and commit.
  func beginDrain()

  /// Returns when nothing runs and everything is committed. Call after `beginDrain`.
  func waitUntilDrained() async

  /// Tells what still runs that its time is over.
  func cancelAll()

  /// Gives back what does not heed that. Its function may still run, but nothing of it counts.
  func abandon()

  /// Gives up what the function holds at the broker. Waits at most until the deadline.
  func close(deadline: ContinuousClock.Instant) async
}
