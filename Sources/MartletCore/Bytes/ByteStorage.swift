/// The memory behind `Bytes`: allocated once, filled front to back, never moved, freed with its last slice.
///
/// `@unchecked Sendable`: a region is written by the one owner of the arena, before the slice that names it exists, and is
/// only read as long as there is one. Slices reach other threads through locks, which order those writes first. An owner
/// that begins anew (`ByteScratch`) does so only when it holds the last reference, which orders what others read before.
@usableFromInline
final class ByteStorage: @unchecked Sendable {
  @usableFromInline let base: UnsafeMutableRawPointer
  @usableFromInline let capacity: Int

  @usableFromInline
  init(capacity: Int) {
    self.capacity = capacity
    base = UnsafeMutableRawPointer.allocate(byteCount: max(capacity, 1), alignment: 16)
  }

  deinit { base.deallocate() }
}
