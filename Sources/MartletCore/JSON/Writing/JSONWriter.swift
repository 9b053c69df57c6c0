/// Writes one document, front to back into one buffer.
///
/// A frame stands for each `encode(to:)` that runs, one on top of the other. What breaks that order, nested containers
/// and super encoders that live side by side, is written to streams of its own (`JSONWriter+Pieces`), which are put
/// into their places when the `encode(to:)` around them ends.
///
/// A writer belongs to one `encode` at a time and is used by one thread. The checks for exclusive access are off
/// because no access to a property lasts while anything else runs, and they would take a tenth of the time.
final class JSONWriter {
  /// The stream that is written to now; the others rest in `streams`.
  @exclusivity(unchecked) var output = JSONBuffer(capacity: 512)
  @exclusivity(unchecked) var selected = 0
  @exclusivity(unchecked) var streams: [JSONStream] = []
  @exclusivity(unchecked) var frames = JSONStack<JSONFrame>(capacity: 16)
  /// The innermost `encode(to:)`.
  @exclusivity(unchecked) var scope = 0
  @exclusivity(unchecked) private var lastSerial: UInt32 = 0
  /// Hashes of the names that were written into open objects.
  @exclusivity(unchecked) var names = JSONStack<UInt32>(capacity: 64)
  /// An object may have two members of one name.
  @exclusivity(unchecked) var mayRepeat = false
  /// What went wrong in a call that cannot throw.
  @exclusivity(unchecked) var failure: String?
  @exclusivity(unchecked) private(set) var userInfo: [CodingUserInfoKey: any Sendable] = [:]

  deinit {
    dropStreams(from: 0)
    output.deallocate()
    frames.deallocate()
    names.deallocate()
  }

  /// The document around a value.
  func write<Value: Encodable>(_ value: Value, userInfo: [CodingUserInfoKey: any Sendable]) throws -> Bytes {
    if !userInfo.isEmpty { self.userInfo = userInfo }
    push(.value, parent: 0, place: 0, level: 0)
    try write(value, in: 0, place: 0)
    if mayRepeat { try JSONRepeats.remove(from: &output) }
    return Bytes(copying: UnsafeRawBufferPointer(start: output.base, count: output.count))
  }

  /// Forgets the document. False: its buffers became too large to be kept.
  func reset() -> Bool {
    select(0)
    dropStreams(from: 0)
    output.truncate(to: 0)
    frames.truncate(to: 0)
    names.truncate(to: 0)
    scope = 0
    mayRepeat = false
    if failure != nil { failure = nil }
    if !userInfo.isEmpty { userInfo = [:] }
    return output.capacity <= 1 << 18 && frames.capacity <= 1 << 12
  }

  /// Adds a frame on top, in the stream that is selected.
  @inline(__always)
  @discardableResult
  func push(_ kind: JSONFrame.Kind, parent: Int, place: Int, level: Int) -> JSONFrameID {
    let index = frames.count
    lastSerial &+= 1
    frames.append(
      JSONFrame(
        kind: kind, serial: lastSerial, level: level, stream: selected, scope: index, parent: parent, place: place,
        start: output.count, names: UInt64(truncatingIfNeeded: names.count)))
    return JSONFrameID(index: index, serial: lastSerial)
  }

  /// The frame, if it may be written to: it is not complete, and nothing inside of it is being written.
  @inline(__always)
  func frame(_ id: JSONFrameID) -> UnsafeMutablePointer<JSONFrame>? {
    guard id.index < frames.count else { return nil }
    let frame = frames.base + id.index
    return frame.pointee.serial == id.serial && frame.pointee.scope == scope ? frame : nil
  }

  @inline(__always)
  func select(_ stream: Int) {
    if stream != selected { exchange(stream) }
  }
}
