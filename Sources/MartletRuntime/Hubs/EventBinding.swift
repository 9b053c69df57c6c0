import MartletCore

/// How the runtime calls a function of events: inputs bound, outputs encoded.
struct EventBinding: Sendable {
  let hub: HubDeclaration
  /// nil is the app's name.
  let group: String?
  /// One invocation per event; otherwise one per batch.
  let isSingle: Bool
  /// Whether it wants the values of its keys.
  let isStateful: Bool
  let run: @Sendable (EventInput, Invocation) async -> EventVerdict
}

/// What one invocation gets.
struct EventInput: Sendable {
  let events: [EventReference]
  /// What the group keeps for their keys.
  let values: [String: Bytes]
}

/// Events after decoding: what cannot be read is set aside alone.
struct DecodedEvents<Input: Sendable>: Sendable {
  /// nil where nothing could be read.
  let input: Input?
  let accepted: [EventReference]
  let undecodable: [Undecoded]
}

/// An event that the codec refused.
struct Undecoded: Sendable {
  let offset: EventOffset
  let error: any Error
}

/// How events become a function's input.
struct EventDecoding<Input: Sendable>: Sendable {
  let hub: HubDeclaration
  let group: String?
  let isSingle: Bool
  let decode: @Sendable ([EventReference]) -> DecodedEvents<Input>

  func binding(
    isStateful: Bool, _ run: @escaping @Sendable (EventInput, Invocation) async -> EventVerdict
  ) -> EventBinding {
    EventBinding(hub: hub, group: group, isSingle: isSingle, isStateful: isStateful, run: run)
  }
}
