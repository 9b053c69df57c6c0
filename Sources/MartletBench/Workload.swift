import CBaseline
import Martlet

/// The bodies that both sides read.
enum Workload {
  /// The body of message `number`. `buffer` has room for it and 64 bytes more.
  static func body(_ number: Int, _ arguments: Arguments, buffer: inout [CChar], arena: inout ByteArena) -> Bytes {
    let count = arguments.bodyBytes
    baseline_write_body(&buffer, count, arguments.payload == .json, number)
    return buffer.withUnsafeBytes { arena.copy(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
  }
}
