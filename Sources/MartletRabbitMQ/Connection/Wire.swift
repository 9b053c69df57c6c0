import CRabbitMQ
import Glibc
import MartletCore

/// A connection that is up: frames in, frames out. It belongs to one thread and never blocks; whoever owns it polls.
///
/// Its checks for exclusive access are off, for the reason that `ConnectionLoop` gives.
final class Wire {
  private let socket: TCPSocket
  let url: ConnectionURL
  /// Frames that wait to be written.
  let output = FrameBuffer()
  /// Where received frames are decoded.
  let pool = DecodePool()
  private let input: UnsafeMutableRawPointer
  private let inputCapacity = 512 * 1024
  @exclusivity(unchecked) private var inputStart = 0
  @exclusivity(unchecked) private var inputEnd = 0
  /// How many channels the broker allows.
  private(set) var channelMax: UInt16 = 2047
  private var heartbeat: Duration = .seconds(60)
  @exclusivity(unchecked) private var lastReceived: ContinuousClock.Instant
  @exclusivity(unchecked) private var lastSent: ContinuousClock.Instant

  init(socket: TCPSocket, url: ConnectionURL, now: ContinuousClock.Instant) {
    self.socket = socket
    self.url = url
    (lastReceived, lastSent) = (now, now)
    input = .allocate(byteCount: inputCapacity, alignment: 16)
  }

  deinit {
    input.deallocate()
    socket.close()
  }

  var descriptor: Int32 { socket.descriptor }
  /// What to poll for.
  var events: Int16 { Int16(POLLIN) | (output.count > 0 ? Int16(POLLOUT) : 0) }
  /// Bytes that were appended to `output` when it stood at `mark` are with the system.
  func isWritten(_ mark: UInt64) -> Bool { output.taken >= mark }

  func tune(frameMax: UInt32, channelMax: UInt16, heartbeat: Duration) {
    output.frameMax = Int(frameMax)
    self.channelMax = channelMax
    self.heartbeat = heartbeat
  }

  /// Reads what has come. Frames of earlier reads end here. Answers whether there may be more.
  func receive(now: ContinuousClock.Instant) throws(BrokerError) -> Bool {
    if inputStart > 0 {
      input.copyMemory(from: input + inputStart, byteCount: inputEnd - inputStart)
      inputEnd -= inputStart
      inputStart = 0
    }
    let room = UnsafeMutableRawBufferPointer(start: input + inputEnd, count: inputCapacity - inputEnd)
    switch socket.read(into: room) {
    case .moved(let count):
      inputEnd += count
      lastReceived = now
      return count == room.count
    case .wouldBlock: return false
    case .ended:
      throw BrokerError(.unavailable, "RabbitMQ at \(url) ended the connection", isRetriable: true)
    case .failed(let number): throw .socket("read", number, url: url)
    }
  }

  /// The next whole frame; nil when more has to be read first.
  func nextFrame() throws(BrokerError) -> Frame? {
    pool.clear()
    let available = inputEnd - inputStart
    guard available >= 7 else { return nil }
    let start = input + inputStart
    let type = start.load(as: UInt8.self)
    if type == 0x41 { throw .violation("it asks for another version of the protocol", url: url) }
    let size = Int(UInt32(bigEndian: start.loadUnaligned(fromByteOffset: 3, as: UInt32.self)))
    guard size <= output.frameMax - 8, [Frame.method, Frame.header, Frame.body, Frame.heartbeat].contains(type) else {
      throw .violation("a frame of type \(type) and \(size) bytes", url: url)
    }
    guard available >= size + 8 else { return nil }
    guard start.load(fromByteOffset: 7 + size, as: UInt8.self) == Frame.end else {
      throw .violation("a frame without its end", url: url)
    }
    inputStart += size + 8
    let channel = UInt16(bigEndian: start.loadUnaligned(fromByteOffset: 1, as: UInt16.self))
    return Frame(type: type, channel: channel, payload: UnsafeRawBufferPointer(start: start + 7, count: size))
  }

  /// Writes as much of `output` as the system takes now.
  func flush(now: ContinuousClock.Instant) throws(BrokerError) {
    while output.count > 0 {
      switch socket.write(output.pending) {
      case .moved(let count):
        output.take(count)
        lastSent = now
      case .wouldBlock, .ended: return
      case .failed(let number): throw .socket("write", number, url: url)
      }
    }
  }

  /// Sends a sign of life where it is due, and misses the broker's. Answers when to look again.
  func keepAlive(now: ContinuousClock.Instant) throws(BrokerError) -> ContinuousClock.Instant {
    if now - lastReceived > heartbeat * 2 {
      throw BrokerError(
        .unavailable, "RabbitMQ at \(url) has been silent for \(now - lastReceived)", isRetriable: true)
    }
    // Waiting output is no sign of life, but a heartbeat behind it would not be one either.
    if now - lastSent >= heartbeat / 2, output.count == 0 {
      output.heartbeat()
      lastSent = now
    }
    return min(lastReceived + heartbeat * 2, lastSent + heartbeat / 2) + .milliseconds(1)
  }
}
