public import struct Foundation.Data

extension PayloadCodec where Body: Codable {
  /// JSON. See `JSON` for dates, numbers and limits.
  public static var json: PayloadCodec {
    PayloadCodec(
      contentType: .json, decode: { try JSON.decode(Body.self, from: $0) }, encode: { try JSON.encode($0) })
  }

  /// What follows from the type.
  static var standard: PayloadCodec {
    if let text = PayloadCodec<String>.text as? PayloadCodec { return text }
    if let bytes = PayloadCodec<Bytes>.bytes as? PayloadCodec { return bytes }
    if let array = PayloadCodec<[UInt8]>.bytes as? PayloadCodec { return array }
    if let data = PayloadCodec<Data>.bytes as? PayloadCodec { return data }
    return .json
  }
}

extension PayloadCodec where Body == Data {
  /// The bytes, copied.
  public static var bytes: PayloadCodec {
    PayloadCodec(contentType: .bytes, decode: { Data($0) }, encode: { Bytes($0) })
  }
}
