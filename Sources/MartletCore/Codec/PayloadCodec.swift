/// How a payload type becomes bytes and back. Each name has one; the default follows from the type.
public struct PayloadCodec<Body: Sendable>: Sendable {
  /// What `encode` writes, carried beside the body.
  public let contentType: ContentType
  /// Reads a body. An error sends the message to the dead letters at once, with the error's text.
  public let decode: @Sendable (Bytes) throws -> Body
  /// Writes a body. An error fails the invocation.
  public let encode: @Sendable (Body) throws -> Bytes

  public init(
    contentType: ContentType, decode: @escaping @Sendable (Bytes) throws -> Body,
    encode: @escaping @Sendable (Body) throws -> Bytes
  ) {
    self.contentType = contentType
    self.decode = decode
    self.encode = encode
  }
}

extension PayloadCodec where Body == Bytes {
  /// The bytes as they are.
  public static var bytes: PayloadCodec { PayloadCodec(contentType: .bytes, decode: { $0 }, encode: { $0 }) }
}

extension PayloadCodec where Body == [UInt8] {
  /// The bytes, copied.
  public static var bytes: PayloadCodec {
    PayloadCodec(contentType: .bytes, decode: { Array($0) }, encode: { Bytes($0) })
  }
}

extension PayloadCodec where Body == String {
  /// UTF-8.
  public static var text: PayloadCodec {
    PayloadCodec(
      contentType: .text,
      decode: { bytes in
        guard let text = bytes.string else { throw PayloadError.notText }
        return text
      }, encode: { Bytes($0) })
  }
}

/// Why a body cannot be the payload that the function takes.
public enum PayloadError: Error, CustomStringConvertible {
  case notText

  public var description: String {
    switch self {
    case .notText: "the body is not UTF-8 text"
    }
  }
}
