import CHiredis
import MartletCore

/// hiredis' parser with objects of ours: every element becomes a node of `reply`, none an allocation.
final class ReplyReader {
  let reply = Reply()
  private let reader: UnsafeMutablePointer<redisReader>
  private let functions: UnsafeMutablePointer<redisReplyObjectFunctions>

  init() {
    functions = .allocate(capacity: 1)
    functions.initialize(
      to: redisReplyObjectFunctions(
        createString: { task, text, count in
          guard let text, let type = task?.pointee.type else { return nil }
          let kind: Reply.Kind =
            switch type {
            case REDIS_REPLY_ERROR: .error
            case REDIS_REPLY_STATUS: .status
            default: .string
            }
          return ReplyReader.add(to: task) { $0.add(kind, bytes: text, count: count) }
        },
        createArray: { task, count in
          ReplyReader.add(to: task) { $0.add(.array, number: Int(count)) }
        },
        createInteger: { task, number in
          ReplyReader.add(to: task) { $0.add(.integer, number: Int(number)) }
        },
        createNil: { task in
          ReplyReader.add(to: task) { $0.add(.null, number: 0) }
        },
        freeObject: { _ in }))
    guard let reader = redisReaderCreateWithFunctions(functions) else { preconditionFailure("out of memory") }
    self.reader = reader
    reader.pointee.privdata = Unmanaged.passUnretained(reply).toOpaque()
    // A burst of replies leaves a large buffer; it is worth keeping up to this size.
    reader.pointee.maxbuf = 256 * 1024
  }

  deinit {
    // The reader refers to `functions` until it is gone.
    redisReaderFree(reader)
    functions.deinitialize(count: 1)
    functions.deallocate()
  }

  /// Adds to the reply of a reader, which keeps it alive. Answers what hiredis takes for the object: it only looks
  /// whether it is nil.
  @inline(__always)
  private static func add(
    to task: UnsafePointer<redisReadTask>?, _ body: (Reply) -> Void
  ) -> UnsafeMutableRawPointer? {
    guard let reply = task?.pointee.privdata else { return nil }
    Unmanaged<Reply>.fromOpaque(reply)._withUnsafeGuaranteedRef(body)
    return UnsafeMutableRawPointer(bitPattern: 1)
  }

  func feed(_ bytes: UnsafeRawBufferPointer) throws(BrokerError) {
    let status = redisReaderFeed(reader, bytes.bindMemory(to: CChar.self).baseAddress, bytes.count)
    if status != REDIS_OK { throw violation }
  }

  /// Reads the next reply into `reply`. False: more bytes are needed. Call `reply.reset()` after each complete one.
  func next() throws(BrokerError) -> Bool {
    var object: UnsafeMutableRawPointer?
    guard redisReaderGetReply(reader, &object) == REDIS_OK else { throw violation }
    return object != nil
  }

  private var violation: BrokerError {
    let text = withUnsafeBytes(of: reader.pointee.errstr) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    return BrokerError(.protocolViolation, "Redis answered what is not its protocol: \(text)", isRetriable: true)
  }
}
