import Glibc

import struct Foundation.Data

/// An immutable run of bytes: a body, a field, a frame. A slice shares its memory with the batch that it was read
/// with, so taking one costs a reference, not a copy.
public struct Bytes: Sendable {
  @usableFromInline let storage: ByteStorage?
  @usableFromInline let offset: Int
  /// The number of bytes.
  public let count: Int

  @inlinable
  init(storage: ByteStorage?, offset: Int, count: Int) {
    self.storage = storage
    self.offset = offset
    self.count = count
  }

  /// No bytes.
  @inlinable
  public init() { self.init(storage: nil, offset: 0, count: 0) }

  /// A copy of `source`.
  @inlinable
  public init(copying source: UnsafeRawBufferPointer) {
    guard let base = source.baseAddress, source.count > 0 else {
      self.init()
      return
    }
    let storage = ByteStorage(capacity: source.count)
    storage.base.copyMemory(from: base, byteCount: source.count)
    self.init(storage: storage, offset: 0, count: source.count)
  }

  /// `count` bytes that `fill` writes. `fill` gets `capacity` bytes of memory and returns how many it wrote.
  @inlinable
  public init(capacity: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Int) rethrows {
    let storage = ByteStorage(capacity: capacity)
    let count = try fill(UnsafeMutableRawBufferPointer(start: storage.base, count: capacity))
    precondition(count <= capacity, "more bytes were written than there was room for")
    self.init(storage: storage, offset: 0, count: count)
  }

  /// A copy of a sequence of bytes, an array for instance.
  @inlinable
  public init(_ bytes: some Collection<UInt8>) {
    self.init(capacity: bytes.count) { UnsafeMutableRawBufferPointer(rebasing: $0[...]).initializeBytes(from: bytes) }
  }

  /// The UTF-8 bytes of a string.
  @inlinable
  public init(_ string: String) {
    var string = string
    self = string.withUTF8 { Bytes(copying: UnsafeRawBufferPointer($0)) }
  }

  /// Whether there are none.
  @inlinable
  public var isEmpty: Bool { count == 0 }

  /// Lends the memory for the time of `body`. The pointer must not leave it.
  @inlinable
  public func withUnsafeBytes<R, Failure: Error>(_ body: (UnsafeRawBufferPointer) throws(Failure) -> R) throws(Failure)
    -> R
  {
    guard let storage else { return try body(UnsafeRawBufferPointer(start: nil, count: 0)) }
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafeRawBufferPointer(start: storage.base + offset, count: count))
  }

  /// The bytes as text, or nil where they are not UTF-8.
  public var string: String? {
    withUnsafeBytes { String(validating: $0.bindMemory(to: UInt8.self), as: UTF8.self) }
  }

  /// A part that shares this memory. `range` must lie inside.
  @inlinable
  public subscript(range: Range<Int>) -> Bytes {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "the range lies outside of the bytes")
    return Bytes(storage: storage, offset: offset + range.lowerBound, count: range.count)
  }
}

extension UnsafeMutableRawBufferPointer {
  /// Copies `bytes` to the front and returns how many there were.
  @usableFromInline
  func initializeBytes(from bytes: some Collection<UInt8>) -> Int {
    copyBytes(from: bytes)
    return bytes.count
  }
}

extension Bytes: RandomAccessCollection {
  @inlinable public var startIndex: Int { 0 }
  @inlinable public var endIndex: Int { count }

  @inlinable
  public subscript(position: Int) -> UInt8 {
    precondition(position >= 0 && position < count, "the position lies outside of the bytes")
    return withUnsafeBytes { $0[position] }
  }

  @inlinable
  public func withContiguousStorageIfAvailable<R>(_ body: (UnsafeBufferPointer<UInt8>) throws -> R) rethrows -> R? {
    try withUnsafeBytes { try body($0.bindMemory(to: UInt8.self)) }
  }
}

extension Bytes: Hashable {
  public static func == (left: Bytes, right: Bytes) -> Bool {
    guard left.count == right.count else { return false }
    return left.withUnsafeBytes { left in
      right.withUnsafeBytes { right in
        guard let first = left.baseAddress, let second = right.baseAddress else { return true }
        return memcmp(first, second, left.count) == 0
      }
    }
  }

  public func hash(into hasher: inout Hasher) {
    withUnsafeBytes { hasher.combine(bytes: $0) }
  }
}

extension Bytes: ExpressibleByArrayLiteral, CustomStringConvertible {
  public init(arrayLiteral elements: UInt8...) { self.init(elements) }

  /// The text, or the count where the bytes are not text.
  public var description: String { string ?? "\(count) bytes" }
}

/// Inside JSON, bytes are a string in base64, as `Data` is. As a payload of their own they travel as they are.
extension Bytes: Codable {
  public init(from decoder: any Decoder) throws {
    self.init(try decoder.singleValueContainer().decode(Data.self))
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(Data(self))
  }
}
