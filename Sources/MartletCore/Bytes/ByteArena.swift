/// Where a connection puts the fields of a batch: one allocation for many slices.
///
/// A slice keeps its block alive, so `blockSize` bounds what one slow message can pin.
public struct ByteArena {
  @usableFromInline let blockSize: Int
  @usableFromInline var storage: ByteStorage?
  @usableFromInline var used = 0

  /// - Parameter blockSize: bytes per block; a longer field gets a block of its own.
  @inlinable
  public init(blockSize: Int = 64 * 1024) { self.blockSize = blockSize }

  /// Copies `source` behind what is already there.
  @inlinable
  public mutating func copy(_ source: UnsafeRawBufferPointer) -> Bytes {
    guard let base = source.baseAddress, source.count > 0 else { return Bytes() }
    if source.count > blockSize / 2 { return Bytes(copying: source) }
    let block: ByteStorage
    if let storage, storage.capacity - used >= source.count {
      block = storage
    } else {
      block = ByteStorage(capacity: blockSize)
      storage = block
      used = 0
    }
    (block.base + used).copyMemory(from: base, byteCount: source.count)
    defer { used += source.count }
    return Bytes(storage: block, offset: used, count: source.count)
  }
}
