/// The name of an event hub, and what its events carry.
///
/// ```swift
/// extension HubName<Reading> { static let readings = Self("readings", partitions: 16) }
/// ```
public struct HubName<Body: Sendable>: Sendable {
  /// The hub.
  public let address: Address
  /// How bodies are read and written.
  public let codec: PayloadCodec<Body>
  /// What the hub is like where it has to be made.
  public let declaration: HubDeclaration

  /// - Parameters:
  ///   - name: see `Address.problem(withName:)` for what is possible; the app checks it at the start.
  ///   - partitions: 1 to 1 024; nil takes the hub as it is, and makes a missing one with 4.
  ///   - retention: how long events are kept; nil takes the hub as it is, and keeps everything in a missing one.
  ///   - connection: a named connection of the configuration; nil is the default broker.
  ///   - codec: how bodies are read and written.
  public init(
    _ name: String, partitions: Int? = nil, retention: HubRetention? = nil, connection: String? = nil,
    codec: PayloadCodec<Body>
  ) {
    address = .hub(name, connection: connection)
    declaration = HubDeclaration(name: name, partitionCount: partitions, retention: retention)
    self.codec = codec
  }
}

extension HubName where Body: Codable {
  /// A hub with the codec that follows from the type: `String` is text, `Bytes`, `[UInt8]` and `Data` are bytes, all
  /// else is JSON.
  /// - Parameters:
  ///   - name: see `Address.problem(withName:)` for what is possible; the app checks it at the start.
  ///   - partitions: 1 to 1 024; nil takes the hub as it is, and makes a missing one with 4.
  ///   - retention: how long events are kept; nil takes the hub as it is, and keeps everything in a missing one.
  ///   - connection: a named connection of the configuration; nil is the default broker.
  public init(
    _ name: String, partitions: Int? = nil, retention: HubRetention? = nil, connection: String? = nil
  ) {
    self.init(name, partitions: partitions, retention: retention, connection: connection, codec: .standard)
  }
}

extension HubName: ExpressibleByStringLiteral, ExpressibleByExtendedGraphemeClusterLiteral,
  ExpressibleByUnicodeScalarLiteral
where Body: Codable {
  public init(stringLiteral name: String) { self.init(name) }
}
