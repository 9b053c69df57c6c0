/// The name of a queue, and what its messages carry.
///
/// ```swift
/// extension QueueName<Order> { static let orders: Self = "orders" }
/// ```
public struct QueueName<Body: Sendable>: Sendable {
  /// The queue.
  public let address: Address
  /// How bodies are read and written.
  public let codec: PayloadCodec<Body>

  /// - Parameters:
  ///   - name: see `Address.problem(withName:)` for what is possible; the app checks it at the start.
  ///   - connection: a named connection of the configuration; nil is the default broker.
  ///   - codec: how bodies are read and written.
  public init(_ name: String, connection: String? = nil, codec: PayloadCodec<Body>) {
    address = .queue(name, connection: connection)
    self.codec = codec
  }
}

extension QueueName where Body: Codable {
  /// A queue with the codec that follows from the type: `String` is text, `Bytes`, `[UInt8]` and `Data` are bytes, all
  /// else is JSON.
  public init(_ name: String, connection: String? = nil) {
    self.init(name, connection: connection, codec: .standard)
  }
}

extension QueueName: ExpressibleByStringLiteral, ExpressibleByExtendedGraphemeClusterLiteral,
  ExpressibleByUnicodeScalarLiteral
where Body: Codable {
  public init(stringLiteral name: String) { self.init(name) }
}
