/// A queue that an app uses, and how it is made. What is immutable on a broker stands here.
public struct QueueDeclaration: Sendable, Hashable {
  /// The name on the broker.
  public let name: String
  /// Whether the broker creates what is missing, only compares, or does nothing.
  public var mode: DeclareMode

  public init(name: String, mode: DeclareMode = .create) {
    self.name = name
    self.mode = mode
  }
}

/// What happens to a queue at the start. Default: `create`.
public enum DeclareMode: String, Sendable, Hashable, CaseIterable {
  /// Create it if it is missing; an existing one must fit.
  case create
  /// It must exist and fit.
  case verify
  /// Nothing is asked; the first use tells.
  case never
}
