/// A growing row of plain values in memory that is reused. Its owner deallocates it.
struct JSONStack<Element: BitwiseCopyable> {
  private(set) var base: UnsafeMutablePointer<Element>
  private(set) var count = 0
  private(set) var capacity: Int

  init(capacity: Int) {
    self.capacity = capacity
    base = .allocate(capacity: capacity)
  }

  func deallocate() { base.deallocate() }

  @inline(__always)
  mutating func append(_ element: Element) {
    if count == capacity { grow(by: 1) }
    (base + count).initialize(to: element)
    count &+= 1
  }

  /// Forgets what is behind the first `count` values.
  @inline(__always)
  mutating func truncate(to count: Int) { self.count = count }

  /// Room for `more` values behind the last, for writing them in place; `grown` takes them in.
  @inline(__always)
  mutating func reserve(_ more: Int) -> UnsafeMutablePointer<Element> {
    if capacity &- count < more { grow(by: more) }
    return base + count
  }

  @inline(__always)
  mutating func grown(by more: Int) { count &+= more }

  @inline(never)
  private mutating func grow(by more: Int) {
    let (needed, overflow) = count.addingReportingOverflow(more)
    precondition(!overflow, "a document outgrows the address space")
    let (doubled, _) = capacity.multipliedReportingOverflow(by: 2)
    capacity = max(needed, doubled)
    let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    larger.moveInitialize(from: base, count: count)
    base.deallocate()
    base = larger
  }
}

/// A document with all its values, as the scanner leaves it.
typealias JSONTape = JSONStack<JSONToken>
/// Text that is being written.
typealias JSONBuffer = JSONStack<UInt8>
