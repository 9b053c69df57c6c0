import Glibc

extension UnsafeRawBufferPointer {
  /// Whether the bytes are exactly that text. By `memcmp`: the names of fields are compared for every message, and the
  /// library's comparison goes through iterators.
  public func equals(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    guard let baseAddress else { return true }
    return memcmp(baseAddress, text.utf8Start, count) == 0
  }
}
