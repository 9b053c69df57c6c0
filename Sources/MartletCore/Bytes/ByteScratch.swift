/// Where a reader puts what it takes in before it knows what of it to keep: bytes in blocks, one behind the other. What
/// is kept shares their memory.
///
/// A slice keeps its block alive, with whatever else a connection brought in it: `blockSize` bounds what one slow message
/// can pin.
public struct ByteScratch: ~Copyable {
  /// Where bytes lie, until `reset`.
  public struct Place {
    @usableFromInline let block: Int32
    @usableFromInline let offset: Int32
    /// The number of bytes.
    public let count: Int

    @inlinable
    init(block: Int, offset: Int, count: Int) {
      self.block = Int32(truncatingIfNeeded: block)
      self.offset = Int32(truncatingIfNeeded: offset)
      self.count = count
    }

    /// No bytes.
    @inlinable
    public init() { self.init(block: 0, offset: 0, count: 0) }
  }

  @usableFromInline let blockSize: Int
  @usableFromInline var blocks: [ByteStorage]
  /// The block that is being filled.
  @usableFromInline var current = 0
  @usableFromInline var used = 0

  /// - Parameter blockSize: bytes per block; a longer run of bytes gets a block of its own. At most 1 GiB.
  @inlinable
  public init(blockSize: Int = 64 * 1024) {
    self.blockSize = blockSize
    blocks = [ByteStorage(capacity: blockSize)]
  }

  /// Copies `source` behind what is already there.
  @inlinable
  public mutating func append(_ source: UnsafeRawBufferPointer) -> Place {
    guard let base = source.baseAddress, source.count > 0 else { return Place() }
    if source.count > blockSize / 2 {
      let block = ByteStorage(capacity: source.count)
      block.base.copyMemory(from: base, byteCount: source.count)
      blocks.append(block)
      return Place(block: blocks.count - 1, offset: 0, count: source.count)
    }
    if blockSize - used < source.count {
      blocks.append(ByteStorage(capacity: blockSize))
      (current, used) = (blocks.count - 1, 0)
    }
    (blocks[current].base + used).copyMemory(from: base, byteCount: source.count)
    defer { used += source.count }
    return Place(block: current, offset: used, count: source.count)
  }

  /// The bytes of a place; valid until `reset`.
  @inlinable
  public func bytes(_ place: Place) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: blocks[Int(place.block)].base + Int(place.offset), count: place.count)
  }

  /// The bytes of a place, to be kept.
  @inlinable
  public func slice(_ place: Place) -> Bytes {
    guard place.count > 0 else { return Bytes() }
    return Bytes(storage: blocks[Int(place.block)], offset: Int(place.offset), count: place.count)
  }

  /// Forgets all places. Memory that nobody has kept is used again.
  public mutating func reset() {
    if blocks.count > 1 {
      blocks.swapAt(0, current)
      blocks.removeSubrange(1...)
      current = 0
    }
    // Else slices look at what is there already.
    if isKnownUniquelyReferenced(&blocks[0]) { used = 0 }
  }
}
