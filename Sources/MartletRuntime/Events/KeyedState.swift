/// Says that a function keeps a small value for each partition key: `state: .keyed(Window.self)`.
public struct KeyedState<State: Codable & Sendable>: Sendable {
  /// A value of this type for each key, as JSON. It is saved in the same commit as the checkpoint, so after a failure or
  /// a takeover it fits the events that are read again.
  public static func keyed(_ type: State.Type) -> KeyedState { KeyedState() }
}
