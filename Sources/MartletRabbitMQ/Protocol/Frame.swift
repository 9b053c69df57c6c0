import CRabbitMQ

/// One received frame. Its payload lies in the connection's buffer: copy what must stay.
struct Frame {
  static let method: UInt8 = 1
  static let header: UInt8 = 2
  static let body: UInt8 = 3
  static let heartbeat: UInt8 = 8
  static let end: UInt8 = 0xCE

  let type: UInt8
  let channel: UInt16
  let payload: UnsafeRawBufferPointer

  /// The number of the method in a method frame; 0 where it is too short.
  var methodNumber: UInt32 {
    payload.count >= 4 ? UInt32(bigEndian: payload.loadUnaligned(as: UInt32.self)) : 0
  }

  /// The size of the body that a header frame announces.
  var bodySize: Int {
    guard payload.count >= 12 else { return 0 }
    return Int(clamping: UInt64(bigEndian: payload.loadUnaligned(fromByteOffset: 4, as: UInt64.self)))
  }
}

/// The library's memory for what it decodes. Given back once per turn.
///
/// Its checks for exclusive access are off, for the reason that `ConnectionLoop` gives.
final class DecodePool {
  @exclusivity(unchecked) private var pool = amqp_pool_t()

  init() { init_amqp_pool(&pool, 64 * 1024) }
  deinit { empty_amqp_pool(&pool) }

  /// Ends every pointer that was decoded.
  func clear() { recycle_amqp_pool(&pool) }

  /// The fields of a method frame; nil where they are not what its number says.
  func decode<Method: AMQPMethod>(_ type: Method.Type, from frame: Frame) -> Method? {
    guard frame.methodNumber == Method.number else { return nil }
    var decoded: UnsafeMutableRawPointer?
    let status = amqp_decode_method(Method.number, &pool, Self.bytes(frame.payload, from: 4), &decoded)
    guard status == 0, let decoded else { return nil }
    return decoded.assumingMemoryBound(to: Method.self).pointee
  }

  /// The properties of a header frame; nil where they cannot be read. Nested tables recurse on the C stack, at five
  /// bytes a level: threads that call this have a stack for a whole frame of them.
  func properties(of frame: Frame) -> UnsafePointer<amqp_basic_properties_t>? {
    guard frame.payload.count >= 14 else { return nil }
    var decoded: UnsafeMutableRawPointer?
    let status = amqp_decode_properties(0x3C, &pool, Self.bytes(frame.payload, from: 12), &decoded)
    guard status == 0, let decoded else { return nil }
    return UnsafePointer(decoded.assumingMemoryBound(to: amqp_basic_properties_t.self))
  }

  private static func bytes(_ payload: UnsafeRawBufferPointer, from offset: Int) -> amqp_bytes_t {
    amqp_bytes_t(
      len: payload.count - offset, bytes: UnsafeMutableRawPointer(mutating: payload.baseAddress.map { $0 + offset }))
  }
}
