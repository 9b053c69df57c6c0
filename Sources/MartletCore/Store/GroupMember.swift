/// A member of a consumer group, as the store heard of it.
public struct GroupMember: Sendable, Hashable {
  /// Unique for the life of its process.
  public let id: String
  /// How long ago it was heard of, by the store's clock.
  public let silence: Duration

  public init(id: String, silence: Duration) {
    self.id = id
    self.silence = silence
  }
}
