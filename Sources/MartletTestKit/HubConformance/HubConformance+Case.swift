extension HubConformance {
  /// One thing that every log, or store, has to do.
  public struct Case: Sendable, CustomStringConvertible {
    /// What it is, as a sentence.
    public let name: String
    /// Whether it restarts the server under everybody who uses it.
    public var isDisruptive: Bool { needs.contains(.restart) }
    public var description: String { name }

    let needs: Set<Need>
    let body: @Sendable (HubTrial) async throws -> Void

    init(_ name: String, needs: Set<Need> = [], _ body: @escaping @Sendable (HubTrial) async throws -> Void) {
      self.name = name
      self.needs = needs
      self.body = body
    }

    static let all: [Case] =
      declarations + publishing + bodies + reading + positions + losses + retention + members + identities + ownership
      + records + values + commits + fences + outputs + operations + connections + restarts
  }
}
