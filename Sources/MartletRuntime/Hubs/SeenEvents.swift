import Foundation
import MartletCore

/// The ids of events that succeeded within a window, each with the place of its event: what repeats are told by.
///
/// The owner of a partition keeps it beside the position. Each commit writes the ids of its own events as one value, and
/// removes values that have grown old; so what is remembered and what is done are one. An event that is read again at its
/// own place, after a crash or a move, is no repeat.
struct SeenEvents: Sendable {
  /// An event that succeeded.
  struct Mark: Sendable, Hashable {
    let id: String
    let offset: EventOffset
  }

  /// What a commit writes.
  struct Write: Sendable {
    let values: [String: Bytes?]
    fileprivate let chunk: Chunk
    fileprivate let expired: Int
  }

  /// What one commit wrote.
  fileprivate struct Chunk: Sendable {
    let number: UInt64
    /// Milliseconds since 1970, by the writer's clock.
    let time: Int64
    let marks: [Mark]
  }

  private struct Place: Sendable {
    let offset: EventOffset
    /// The chunk that holds it, and its time; nil before it is written.
    var chunk: (number: UInt64, time: Int64)?
  }

  private let window: Int64
  private var places: [String: Place] = [:]
  private var chunks: [Chunk] = []

  init(window: Duration) { self.window = Int64(max(0, window / .milliseconds(1))) }

  /// Whether an event of this id succeeded at an earlier place, within the window. Values that have grown old are removed
  /// only with the next commit.
  func isRepeat(_ mark: Mark, now: Date) -> Bool {
    guard let place = places[mark.id], place.offset < mark.offset else { return false }
    return place.chunk.map { $0.time + window >= Self.milliseconds(now) } ?? true
  }

  private static func milliseconds(_ time: Date) -> Int64 { Int64(time.timeIntervalSince1970 * 1000) }

  /// An event succeeded; its commit is yet to come.
  mutating func remember(_ mark: Mark) { places[mark.id] = Place(offset: mark.offset) }

  /// Some events will not be committed; `rest` are those that still will.
  mutating func undo(rest: [Mark]) {
    places = [:]
    for chunk in chunks { note(chunk) }
    for mark in rest { remember(mark) }
  }

  private mutating func note(_ chunk: Chunk) {
    for mark in chunk.marks { places[mark.id] = Place(offset: mark.offset, chunk: (chunk.number, chunk.time)) }
  }

  // MARK: Writing

  /// What a commit of these events writes; nil for none.
  func write(_ marks: [Mark], now: Date) -> Write? {
    guard !marks.isEmpty else { return nil }
    let time = Self.milliseconds(now)
    let expired = chunks.prefix { $0.time + window < time }.count
    let chunk = Chunk(number: (chunks.last?.number ?? 0) + 1, time: time, marks: marks)
    let first = expired < chunks.count ? chunks[expired].number : chunk.number
    var values: [String: Bytes?] = [
      Self.key(chunk.number): chunk.bytes, Self.indexKey: Bytes("\(first) \(chunk.number)"),
    ]
    for old in chunks.prefix(expired) { values[Self.key(old.number)] = .some(nil) }
    return Write(values: values, chunk: chunk, expired: expired)
  }

  /// The commit is durable.
  mutating func wrote(_ write: Write) {
    for chunk in chunks.prefix(write.expired) {
      for mark in chunk.marks where places[mark.id]?.chunk?.number == chunk.number { places[mark.id] = nil }
    }
    chunks.removeFirst(write.expired)
    chunks.append(write.chunk)
    for mark in write.chunk.marks where places[mark.id]?.offset == mark.offset {
      places[mark.id]?.chunk = (write.chunk.number, write.chunk.time)
    }
  }

  // MARK: Reading

  /// The values are among those of partition keys; no key begins so.
  private static let prefix = "\u{1}seen:"
  /// The key of the value that says which others there are.
  static let indexKey = prefix + "index"
  static func key(_ number: UInt64) -> String { prefix + "\(number)" }

  /// The numbers of the values that there are.
  static func numbers(in index: Bytes?) -> ClosedRange<UInt64>? {
    let numbers = (index?.string ?? "").split(separator: " ").compactMap { UInt64($0) }
    guard numbers.count == 2, numbers[0] <= numbers[1] else { return nil }
    return numbers[0]...numbers[1]
  }

  /// Takes in what an earlier owner wrote, in the order of the numbers.
  mutating func read(_ number: UInt64, _ bytes: Bytes?) {
    let chunk = bytes.flatMap { Chunk(number: number, $0) } ?? Chunk(number: number, time: 0, marks: [])
    chunks.append(chunk)
    note(chunk)
  }
}

extension SeenEvents.Chunk {
  /// The time; then of each mark offset and id, the id with its length before it. All numbers big endian.
  var bytes: Bytes {
    var bytes: [UInt8] = []
    func append(_ value: some FixedWidthInteger) { withUnsafeBytes(of: value.bigEndian) { bytes += $0 } }
    append(time)
    for mark in marks {
      append(mark.offset.high)
      append(mark.offset.low)
      append(UInt16(clamping: mark.id.utf8.count))
      bytes += mark.id.utf8.prefix(Int(UInt16.max))
    }
    return Bytes(bytes)
  }

  /// nil for what is no chunk.
  init?(number: UInt64, _ bytes: Bytes) {
    var rest = Array(bytes)[...]
    func take<Value: FixedWidthInteger>(_: Value.Type) -> Value? {
      guard rest.count >= MemoryLayout<Value>.size else { return nil }
      defer { rest = rest.dropFirst(MemoryLayout<Value>.size) }
      return rest.prefix(MemoryLayout<Value>.size).reduce(0) { $0 << 8 | Value(truncatingIfNeeded: $1) }
    }
    guard let time = take(Int64.self) else { return nil }
    var marks: [SeenEvents.Mark] = []
    while !rest.isEmpty {
      guard let high = take(UInt64.self), let low = take(UInt64.self), let length = take(UInt16.self),
        rest.count >= Int(length)
      else { return nil }
      let id = String(decoding: rest.prefix(Int(length)), as: UTF8.self)
      rest = rest.dropFirst(Int(length))
      marks.append(SeenEvents.Mark(id: id, offset: EventOffset(high: high, low: low)))
    }
    self.init(number: number, time: time, marks: marks)
  }
}
