import MartletCore

/// What a function keeps for each key of a partition: small values, saved in the same commit as the checkpoint.
///
/// Events without a key share one state.
public struct KeyedStates<State: Codable & Sendable>: Sendable {
  /// What the store has for the keys of the batch, undecoded.
  private let stored: [String: Bytes]
  private var decoded: [String: State?] = [:]
  private var changed: Set<String> = []
  private let codec = PayloadCodec<State>.json

  init(stored: [String: Bytes]) { self.stored = stored }

  /// The state of a key of this batch; nil where it has none. Setting nil removes it. What cannot be decoded reads as
  /// nil here, but fails the batch before the function runs.
  public subscript(key: String?) -> State? {
    get { (try? read(key)).flatMap { $0 } }
    set {
      let key = key ?? ""
      decoded[key] = .some(newValue)
      changed.insert(key)
    }
  }

  /// The state of a key.
  /// - Throws: the codec's error.
  func read(_ key: String?) throws -> State? {
    let key = key ?? ""
    if let known = decoded[key] { return known }
    return try stored[key].map { try codec.decode($0) }
  }

  /// Decodes everything once, so that reading cannot fail later.
  mutating func decodeAll() throws {
    for (key, bytes) in stored where decoded[key] == nil { decoded[key] = .some(try codec.decode(bytes)) }
  }

  /// What was set, as the commit carries it.
  func changes() throws -> [String: Bytes?] {
    var changes: [String: Bytes?] = [:]
    for key in changed { changes[key] = .some(try decoded[key].flatMap { $0 }.map { try codec.encode($0) }) }
    return changes
  }
}
