import MartletCore

/// What became of the events of one invocation.
struct EventVerdict: Sendable {
  /// What became of one event.
  enum Result: Sendable {
    case success([OutgoingMessage])
    case failure(any Error)
  }

  /// What became of those that could be decoded.
  enum Body: Sendable {
    /// One outcome and common outputs.
    case together([OutgoingMessage])
    /// One for each, in their order; those behind the last were not run.
    case each([Result])
    /// All failed.
    case failed(any Error)
  }

  var undecodable: [Undecoded] = []
  var body: Body
  /// What the group keeps for keys from now on.
  var values: [String: Bytes?] = [:]
}
