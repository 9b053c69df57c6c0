/// JSON payloads: `Codable` values as UTF-8 documents.
///
/// What `JSONDecoder` and `JSONEncoder` of Foundation do with their default settings holds here, several times faster.
///
/// Reading
/// - A date is a number of seconds since 2001, or a string like `2001-01-31T23:59:59Z`, with a fraction or an offset
///   if need be. `Data` and `Bytes` are strings in base64.
/// - A number is read exactly or refused: `Decimal` from its digits and never through a double, doubles to the last
///   bit, `1.0` as an integer; what is beyond the range of its type (`1e400`, 300 as `UInt8`) is an error. `-0` is a
///   double below zero and the integer zero. NaN and infinity are not JSON.
/// - Of members with the same name in one object the first counts. Members that the type does not ask for are skipped.
/// - A document is UTF-8, with or without a byte order mark; UTF-16 and UTF-32 are recognised. Text that is not valid,
///   half a surrogate pair and unescaped control characters are errors, and so is anything behind the document but
///   space. A comma before a closing bracket is accepted. As with Foundation, a string or a number that the type does
///   not read is not checked in itself.
/// - Arrays and objects nest 512 deep, and a document has at most 1 GiB.
///
/// Writing
/// - Members stand in the order in which they are encoded; a name that is encoded twice has the last value. A date is
///   a number of seconds since 2001, `Data` and `Bytes` are base64. A slash is not escaped.
/// - NaN and infinity are errors, of `Decimal` too; so is nesting deeper than 512.
/// - Encoders and containers that are misused (two values in one place, or kept until their value is complete) are
///   errors; they do not stop the process.
///
/// Both may be called from any thread and from inside each other.
public enum JSON {
  /// Reads a value from a JSON document.
  ///
  /// - Parameters:
  ///   - type: what to read.
  ///   - bytes: the whole document. Strings are copied out of it; it is not kept.
  ///   - userInfo: what `Decoder.userInfo` has. Default: nothing.
  /// - Throws: `DecodingError` with the kind that `JSONDecoder` throws; for text that is not JSON `dataCorrupted`,
  ///   whose description has the byte, the line and the column. Whatever a type's own `init(from:)` throws. As the
  ///   body of a message, what cannot be read goes to the dead letters.
  public static func decode<Value: Decodable>(
    _ type: Value.Type, from bytes: Bytes, userInfo: [CodingUserInfoKey: any Sendable] = [:]
  ) throws -> Value {
    var document = documents.take() ?? JSONDocument()
    defer {
      // A decoder that was kept keeps its document.
      document.containers.close(keeping: document)
      if isKnownUniquelyReferenced(&document), document.reset() { documents.put(document) }
    }
    document.containers.open()
    try document.load(bytes, userInfo: userInfo)
    return try document.decode(type, at: JSONDocument.root)
  }

  /// Writes a value as a JSON document, without spaces.
  ///
  /// - Parameters:
  ///   - value: what to write.
  ///   - userInfo: what `Encoder.userInfo` has. Default: nothing.
  /// - Throws: `EncodingError` for what JSON does not have, or for a value that encodes nothing; whatever a type's own
  ///   `encode(to:)` throws.
  public static func encode<Value: Encodable>(
    _ value: Value, userInfo: [CodingUserInfoKey: any Sendable] = [:]
  ) throws -> Bytes {
    var writer = writers.take() ?? JSONWriter()
    defer {
      // An encoder that was kept has nothing to write to any more.
      if writer.reset(), isKnownUniquelyReferenced(&writer) { writers.put(writer) }
    }
    return try writer.write(value, userInfo: userInfo)
  }

  private static let documents = ThreadCache<JSONDocument>()
  private static let writers = ThreadCache<JSONWriter>()
}
