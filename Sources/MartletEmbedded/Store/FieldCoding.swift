import MartletCore

/// How headers and traces are kept in a column.
enum FieldCoding {
  /// How the headers begin that carry a dead letter's reason.
  static let deadLetterPrefix = "martlet-dead-letter-"

  /// Headers: for each the length of the name, the name, the length of the value's text, the text; lengths as four
  /// bytes, least significant first. Values without a text (arrays, tables, null) are left out, as on every broker
  /// that carries text only.
  static func encode(_ headers: some Sequence<Header>) -> [UInt8] {
    var bytes: [UInt8] = []
    for header in headers {
      guard let text = header.value.text else { continue }
      append(header.name, to: &bytes)
      append(text, to: &bytes)
    }
    return bytes
  }

  private static func append(_ text: String, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) { bytes.append(contentsOf: $0) }
    bytes.append(contentsOf: text.utf8)
  }

  /// Reads headers back; what is cut off is left out.
  static func headers(_ bytes: UnsafeRawBufferPointer) -> Headers {
    var headers = Headers()
    var rest = bytes[...]
    while let name = takeText(&rest), let value = takeText(&rest) {
      headers.append(Header(name, .string(value)))
    }
    return headers
  }

  private static func takeText(_ rest: inout Slice<UnsafeRawBufferPointer>) -> String? {
    guard rest.count >= 4 else { return nil }
    let raw = UnsafeRawBufferPointer(rebasing: rest)
    let count = Int(UInt32(littleEndian: raw.loadUnaligned(as: UInt32.self)))
    guard rest.count >= 4 + count else { return nil }
    rest = rest.dropFirst(4 + count)
    return String(decoding: raw[4..<4 + count], as: UTF8.self)
  }

  /// A trace: 16 bytes of trace id and 8 of span id, most significant first, a byte of flags, then the state's text.
  static func encode(_ trace: TraceContext, _ use: (UnsafeRawBufferPointer) -> Void) {
    let state = trace.state ?? ""
    withUnsafeTemporaryAllocation(byteCount: 25 + state.utf8.count, alignment: 1) { buffer in
      buffer.storeBytes(of: trace.traceID.bigEndian, as: UInt128.self)
      buffer.storeBytes(of: trace.spanID.bigEndian, toByteOffset: 16, as: UInt64.self)
      buffer[24] = trace.flags
      UnsafeMutableRawBufferPointer(rebasing: buffer[25...]).copyBytes(from: state.utf8)
      use(UnsafeRawBufferPointer(buffer))
    }
  }

  /// Reads a trace back; nil for anything else.
  static func trace(_ bytes: UnsafeRawBufferPointer) -> TraceContext? {
    guard bytes.count >= 25 else { return nil }
    let state = bytes.count == 25 ? nil : String(decoding: bytes[25...], as: UTF8.self)
    return TraceContext(
      traceID: UInt128(bigEndian: bytes.loadUnaligned(as: UInt128.self)),
      spanID: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)), flags: bytes[24],
      state: state)
  }
}
