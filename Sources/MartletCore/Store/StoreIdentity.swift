/// Which store this is: the same for all that open it, by whatever address, and for no other one.
public struct StoreIdentity: Sendable, Hashable, CustomStringConvertible {
  /// Drawn when the store was made, and kept in it. A copy of a store has that of the original.
  public let uuid: String
  /// Where this process finds it, for people; holds no secret.
  public let place: String
  /// Whether it ends with its process, and all that it keeps with it.
  public let isVolatile: Bool

  public init(uuid: String, place: String, isVolatile: Bool = false) {
    self.uuid = uuid
    self.place = place
    self.isVolatile = isVolatile
  }

  /// `9d1e… (embedded:/data/martlet.db on web-2)`, the uuid in full.
  public var description: String { "\(uuid) (\(place))" }
}
