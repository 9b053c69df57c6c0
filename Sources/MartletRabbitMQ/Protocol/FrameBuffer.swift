import CRabbitMQ
import MartletCore

/// Frames on their way to the broker: encoded one behind the other, written to the socket in one go.
///
/// Its checks for exclusive access are off, for the reason that `ConnectionLoop` gives.
final class FrameBuffer {
  /// The payload of a content header must fit into one frame, with room to spare for its own fields.
  static let headerMargin = 1024

  @exclusivity(unchecked) private var base: UnsafeMutableRawPointer
  @exclusivity(unchecked) private var capacity: Int
  @exclusivity(unchecked) private var start = 0
  @exclusivity(unchecked) private var end = 0
  private let smallest: Int
  /// The largest frame that both sides agreed on, its eight bytes around the payload included.
  @exclusivity(unchecked) var frameMax = 131_072
  /// Bytes ever appended, and ever taken: what was appended at `appended == n` is written when `taken >= n`.
  @exclusivity(unchecked) private(set) var appended: UInt64 = 0
  @exclusivity(unchecked) private(set) var taken: UInt64 = 0
  /// What the fields of the frame under work point to.
  let scratch = Scratch()

  init(capacity: Int = 256 * 1024) {
    self.capacity = capacity
    smallest = capacity
    base = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit { base.deallocate() }

  /// Bytes that wait.
  var count: Int { end - start }
  /// What waits.
  var pending: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base + start, count: count) }

  /// `count` bytes from the front were written.
  func take(_ count: Int) {
    start += count
    taken += UInt64(count)
    guard start == end else { return }
    start = 0
    end = 0
    if capacity > 16 * smallest {
      base.deallocate()
      base = .allocate(byteCount: smallest, alignment: 16)
      capacity = smallest
    }
  }

  private func reserve(_ count: Int) -> UnsafeMutableRawPointer {
    if end + count > capacity {
      let waiting = end - start
      if waiting + count <= capacity {
        base.copyMemory(from: base + start, byteCount: waiting)
      } else {
        capacity = max(capacity * 2, waiting + count)
        let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
        larger.copyMemory(from: base + start, byteCount: waiting)
        base.deallocate()
        base = larger
      }
      start = 0
      end = waiting
    }
    return base + end
  }

  private func advance(_ count: Int) {
    end += count
    appended += UInt64(count)
  }

  private func frame(type: UInt8, channel: UInt16, payload: Int, at frame: UnsafeMutableRawPointer) {
    frame.storeBytes(of: type, as: UInt8.self)
    frame.storeBytes(of: channel.bigEndian, toByteOffset: 1, as: UInt16.self)
    frame.storeBytes(of: UInt32(payload).bigEndian, toByteOffset: 3, as: UInt32.self)
    frame.storeBytes(of: Frame.end, toByteOffset: 7 + payload, as: UInt8.self)
    advance(payload + 8)
  }

  /// The first bytes of a connection.
  func protocolHeader() {
    let bytes: [UInt8] = [0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]
    reserve(8).copyMemory(from: bytes, byteCount: 8)
    advance(8)
  }

  /// A sign of life.
  func heartbeat() { frame(type: Frame.heartbeat, channel: 0, payload: 0, at: reserve(8)) }

  /// One method. Short strings in it must have been checked: at most 255 bytes.
  func method<Method: AMQPMethod>(_ method: Method, channel: UInt16) {
    let room = 16 * 1024
    let target = reserve(room + 12)
    var method = method
    let size = withUnsafeMutablePointer(to: &method) {
      amqp_encode_method(Method.number, $0, amqp_bytes_t(len: room, bytes: target + 11))
    }
    precondition(size >= 0, "a method of AMQP cannot be encoded (\(Method.number), \(size))")
    target.storeBytes(of: Method.number.bigEndian, toByteOffset: 7, as: UInt32.self)
    frame(type: Frame.method, channel: channel, payload: Int(size) + 4, at: target)
  }

  /// The content of a publish: header and body frames. Takes nothing and answers false where the header is too large.
  func content(_ properties: inout amqp_basic_properties_t, body: Bytes, channel: UInt16) -> Bool {
    let room = frameMax - Self.headerMargin
    let target = reserve(room + 32)
    let size = withUnsafeMutablePointer(to: &properties) {
      amqp_encode_properties(0x3C, $0, amqp_bytes_t(len: room, bytes: target + 19))
    }
    guard size >= 0 else { return false }
    target.storeBytes(of: UInt16(0x3C).bigEndian, toByteOffset: 7, as: UInt16.self)
    target.storeBytes(of: 0, toByteOffset: 9, as: UInt16.self)
    target.storeBytes(of: UInt64(body.count).bigEndian, toByteOffset: 11, as: UInt64.self)
    frame(type: Frame.header, channel: channel, payload: Int(size) + 12, at: target)
    body.withUnsafeBytes { bytes in
      var rest = bytes
      while let base = rest.baseAddress, rest.count > 0 {
        let count = min(rest.count, frameMax - 8)
        let target = reserve(count + 8)
        (target + 7).copyMemory(from: base, byteCount: count)
        frame(type: Frame.body, channel: channel, payload: count, at: target)
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
      }
    }
    return true
  }

  /// A frame with any payload.
  func raw(type: UInt8, channel: UInt16, _ payload: [UInt8]) {
    let target = reserve(payload.count + 8)
    (target + 7).copyMemory(from: payload, byteCount: payload.count)
    frame(type: type, channel: channel, payload: payload.count, at: target)
  }

  /// A mark to go back to where a message turns out not to fit.
  var mark: (end: Int, appended: UInt64) { (end - start, appended) }

  /// Drops what was appended since the mark.
  func rewind(to mark: (end: Int, appended: UInt64)) {
    end = start + mark.end
    appended = mark.appended
  }
}
