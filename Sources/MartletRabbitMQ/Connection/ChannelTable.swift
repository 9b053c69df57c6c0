/// Who has which channel of a connection. Channel 0 is the connection's own.
struct ChannelTable<Reader: AnyObject> {
  private var readers: [Reader?] = [nil]

  /// The reader of a channel; nil for one that nobody has.
  subscript(channel: UInt16) -> Reader? { Int(channel) < readers.count ? readers[Int(channel)] : nil }

  /// A channel for a reader; nil where the broker allows no more than `limit`.
  mutating func take(for reader: Reader, limit: UInt16) -> UInt16? {
    if let free = readers.indices.dropFirst().first(where: { readers[$0] == nil }) {
      readers[free] = reader
      return UInt16(free)
    }
    guard readers.count <= Int(limit) else { return nil }
    readers.append(reader)
    return UInt16(readers.count - 1)
  }

  /// A channel is closed on both sides.
  mutating func give(_ channel: UInt16) {
    if Int(channel) < readers.count { readers[Int(channel)] = nil }
  }
}
