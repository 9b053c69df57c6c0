import CBaseline
import Martlet

/// Events as both sides send them: number, key and body belong together.
enum HubWorkload {
  /// The consumer group that reads.
  static let group = "bench"
  static let keys = BASELINE_KEYS

  /// The key of event `number`.
  static func key(_ number: Int) -> String {
    String(unsafeUninitializedCapacity: BASELINE_KEY_BYTES) { text in
      text.withMemoryRebound(to: CChar.self) { baseline_write_key($0.baseAddress, number) }
      return BASELINE_KEY_BYTES
    }
  }

  /// The id of event `number`: 32 hexadecimal digits. The first 16 stand in its body too.
  static func identifier(_ number: Int) -> String {
    String(unsafeUninitializedCapacity: 32) { text in
      text.withMemoryRebound(to: CChar.self) { baseline_write_id($0.baseAddress, number) }
      return 32
    }
  }

  /// What the body of event `number`, and of its output, begins with.
  static func beginning(of number: Int, _ arguments: Arguments) -> String {
    let mark = identifier(number).prefix(16)
    return arguments.payload == .json ? "{\"id\":\"\(mark)\"" : String(mark.suffix(arguments.bodyBytes))
  }

  /// How many of the first events go to each partition.
  static func counts(messages: Int, partitions: Int) -> [Int] {
    var counts = [Int](repeating: 0, count: partitions)
    for first in 0..<min(keys, messages) {
      let count = (messages - first + keys - 1) / keys
      counts[PartitionChoice.partition(of: key(first), count: partitions)] += count
    }
    return counts
  }
}
