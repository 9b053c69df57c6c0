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
          guard let reply = ReplyReader.reply(of: task), let text, let type = task?.pointee.type else { return nil }
          let kind: Reply.Kind =
            switch type {
            case REDIS_REPLY_ERROR: .error
            case REDIS_REPLY_STATUS: .status
            default: .string
            }
          reply.add(kind, bytes: text, count: count)
          return ReplyReader.token
        },
        createArray: { task, count in
          ReplyReader.reply(of: task)?.add(.array, number: Int(count))
          return ReplyReader.token
        },
        createInteger: { task, number in
          ReplyReader.reply(of: task)?.add(.integer, number: Int(number))
          return ReplyReader.token
        },
        createNil: { task in
          ReplyReader.reply(of: task)?.add(.null, number: 0)
          return ReplyReader.token
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

  /// hiredis only looks whether it is nil.
  private static var token: UnsafeMutableRawPointer? { UnsafeMutableRawPointer(bitPattern: 1) }

  private static func reply(of task: UnsafePointer<redisReadTask>?) -> Reply? {
    task?.pointee.privdata.map { Unmanaged<Reply>.fromOpaque($0).takeUnretainedValue() }
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
