extension BrokerConformance {
  /// One thing that every broker has to do.
  public struct Case: Sendable, CustomStringConvertible {
    /// What it is, as a sentence about the broker.
    public let name: String
    /// Whether it restarts the server under everybody who uses it.
    public var isDisruptive: Bool { needs.contains(.restart) }
    public var description: String { name }

    let needs: Set<Need>
    let body: @Sendable (Trial) async throws -> Void

    init(_ name: String, needs: Set<Need> = [], _ body: @escaping @Sendable (Trial) async throws -> Void) {
      self.name = name
      self.needs = needs
      self.body = body
    }

    static let all: [Case] =
      messages + commits + repeats + attempts + deadLetters + delays + expiry + consumers + closes + processes
      + connections + restarts
  }
}
