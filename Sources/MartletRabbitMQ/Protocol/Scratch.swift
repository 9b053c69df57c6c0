import CRabbitMQ
import MartletCore

/// Memory for what one frame is encoded from: names, tables, ids as the library wants them, pointers to bytes. Given
/// back all at once; nothing moves before, so pointers into it stay good.
///
/// Its checks for exclusive access are off, for the reason that `ConnectionLoop` gives.
final class Scratch {
  private let block: UnsafeMutableRawPointer
  private let capacity: Int
  @exclusivity(unchecked) private var used = 0
  @exclusivity(unchecked) private var large: [UnsafeMutableRawPointer] = []

  init(capacity: Int = 64 * 1024) {
    self.capacity = capacity
    block = .allocate(byteCount: capacity, alignment: 16)
  }

  deinit {
    clear()
    block.deallocate()
  }

  /// Gives all of it back. Every pointer that was handed out ends.
  func clear() {
    used = 0
    for pointer in large { pointer.deallocate() }
    large.removeAll(keepingCapacity: true)
  }

  private func allocate(_ count: Int, alignment: Int) -> UnsafeMutableRawPointer {
    let start = (used + alignment - 1) & ~(alignment - 1)
    guard start + count <= capacity else {
      let pointer = UnsafeMutableRawPointer.allocate(byteCount: count, alignment: alignment)
      large.append(pointer)
      return pointer
    }
    used = start + count
    return block + start
  }

  /// Room for `count` C structs, not initialised.
  func array<Element>(of type: Element.Type, count: Int) -> UnsafeMutablePointer<Element> {
    allocate(count * MemoryLayout<Element>.stride, alignment: MemoryLayout<Element>.alignment)
      .bindMemory(to: Element.self, capacity: count)
  }

  func bytes(_ source: UnsafeRawBufferPointer) -> amqp_bytes_t {
    guard let base = source.baseAddress, source.count > 0 else { return amqp_bytes_t(len: 0, bytes: nil) }
    let copy = allocate(source.count, alignment: 1)
    copy.copyMemory(from: base, byteCount: source.count)
    return amqp_bytes_t(len: source.count, bytes: copy)
  }

  func bytes(_ text: String) -> amqp_bytes_t {
    var text = text
    return text.withUTF8 { bytes(UnsafeRawBufferPointer($0)) }
  }

  func table(_ headers: [Header]) -> amqp_table_t {
    let entries = array(of: amqp_table_entry_t.self, count: headers.count)
    for (index, header) in headers.enumerated() {
      entries[index] = amqp_table_entry_t(key: bytes(header.name), value: value(header.value))
    }
    return amqp_table_t(num_entries: Int32(headers.count), entries: entries)
  }
}
