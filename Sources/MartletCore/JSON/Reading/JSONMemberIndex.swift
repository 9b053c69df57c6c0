import Glibc

/// Finds the members of a large object.
enum JSONMemberIndex {
  /// Every name is plain ASCII and is compared by its bytes.
  case bytes([JSONKeyBytes: Int])
  /// Names are compared as strings are, so that é is found however it is composed.
  case strings([String: Int])

  func member(named name: String, utf8: UnsafeBufferPointer<UInt8>) -> Int? {
    switch self {
    case .bytes(let members): members[JSONKeyBytes(bytes: utf8)]
    case .strings(let members): members[name]
    }
  }
}

/// The bytes of a name, lent by whoever holds the document.
struct JSONKeyBytes: Hashable {
  let bytes: UnsafeBufferPointer<UInt8>

  static func == (left: JSONKeyBytes, right: JSONKeyBytes) -> Bool {
    guard left.bytes.count == right.bytes.count else { return false }
    guard let first = left.bytes.baseAddress, let second = right.bytes.baseAddress else { return true }
    return memcmp(first, second, left.bytes.count) == 0
  }

  func hash(into hasher: inout Hasher) { hasher.combine(bytes: UnsafeRawBufferPointer(bytes)) }
}
