extension Array {
  /// Takes the first elements; all of them, as mostly, without a copy. There is room for as many again.
  mutating func takeFirst(_ count: Int) -> [Element] {
    if count == 0 { return [] }
    guard count < self.count else {
      let all = self
      self = []
      reserveCapacity(all.count)
      return all
    }
    defer { removeFirst(count) }
    return Array(prefix(count))
  }
}
