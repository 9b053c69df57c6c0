/// The W3C trace context of a message (`traceparent` and `tracestate`, Trace Context Level 1).
public struct TraceContext: Sendable, Hashable {
  /// 16 bytes; never zero.
  public let traceID: UInt128
  /// The span that sent the message; never zero.
  public let spanID: UInt64
  /// Bit 0: sampled.
  public let flags: UInt8
  /// `tracestate`, carried as it came.
  public let state: String?

  public init(traceID: UInt128, spanID: UInt64, flags: UInt8 = 1, state: String? = nil) {
    self.traceID = traceID
    self.spanID = spanID
    self.flags = flags
    self.state = state
  }

  /// A new trace.
  public static func start() -> TraceContext {
    var words = RandomWords()
    return TraceContext(
      traceID: .random(in: 1 ... .max, using: &words), spanID: .random(in: 1 ... .max, using: &words))
  }

  /// The same trace with a new span: what an invocation hands to its outputs.
  public func next() -> TraceContext {
    var words = RandomWords()
    return TraceContext(
      traceID: traceID, spanID: .random(in: 1 ... .max, using: &words), flags: flags, state: state)
  }

  /// Reads `00-<32 hex>-<16 hex>-<2 hex>`; nil for anything else, as the standard asks.
  public init?(traceparent: UnsafeRawBufferPointer, state: String? = nil) {
    let dash = UInt8(ascii: "-")
    guard traceparent.count >= 55, traceparent[2] == dash, traceparent[35] == dash, traceparent[52] == dash,
      let version = UInt8(hex: traceparent[0..<2]), version != 0xff,
      version == 0 ? traceparent.count == 55 : (traceparent.count == 55 || traceparent[55] == dash),
      let trace = UInt128(hex: traceparent[3..<35]), trace != 0,
      let span = UInt64(hex: traceparent[36..<52]), span != 0,
      let flags = UInt8(hex: traceparent[53..<55])
    else { return nil }
    self.init(traceID: trace, spanID: span, flags: flags, state: state)
  }

  /// Reads `00-<32 hex>-<16 hex>-<2 hex>`; nil for anything else, as the standard asks.
  public init?(traceparent: String, state: String? = nil) {
    var traceparent = traceparent
    let parsed = traceparent.withUTF8 { TraceContext(traceparent: UnsafeRawBufferPointer($0), state: state) }
    guard let parsed else { return nil }
    self = parsed
  }

  /// The header, version 00.
  public var traceparent: String {
    String(unsafeUninitializedCapacity: 55) { text in
      text[0] = UInt8(ascii: "0")
      text[1] = UInt8(ascii: "0")
      text[2] = UInt8(ascii: "-")
      traceID.writeHex(to: text, at: 3, digits: 32)
      text[35] = UInt8(ascii: "-")
      spanID.writeHex(to: text, at: 36, digits: 16)
      text[52] = UInt8(ascii: "-")
      flags.writeHex(to: text, at: 53, digits: 2)
      return 55
    }
  }

  /// The trace id as 32 hexadecimal digits, as logs show it.
  public var traceIDText: String { traceID.hexText(digits: 32) }
}
