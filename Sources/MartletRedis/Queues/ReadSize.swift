/// How many entries one read asks for: as many as there is room for, unless bodies are large. What a read may bring is
/// bounded in bytes too, by what the last ones brought.
struct ReadSize {
  static let mostEntries = 500
  private let bytes: Int
  /// The largest body to be expected; of the first read nothing is known.
  private var expected = 1 << 20

  /// - Parameter bytes: what one read may bring. Default 16 MiB.
  init(bytes: Int = 16 << 20) { self.bytes = bytes }

  func count(room: Int) -> Int { min(room, Self.mostEntries, max(1, bytes / expected)) }

  /// Notes the largest body of a read. Smaller ones are believed step by step.
  mutating func note(largest: Int) { expected = max(largest, expected / 8, 1) }
}
