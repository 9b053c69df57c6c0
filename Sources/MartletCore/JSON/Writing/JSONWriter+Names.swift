extension JSONWriter {
  /// So many names of an object are compared with each other. With more it is assumed that one repeats.
  private static let comparedNames = 256

  /// Remembers a name of an object. True: it may have been there before, and a look at the document tells.
  func note(_ name: UnsafeBufferPointer<UInt8>, in index: Int) -> Bool {
    let hash = Self.hash(name)
    let isKnown = mayKnow(hash, in: index)
    let frame = frames.base + index
    if frame.pointee.scope != index {
      frame.pointee.names |= 1 &<< UInt64(hash & 63)
    } else if frame.pointee.count <= Self.comparedNames {
      names.append(hash)
    } else {
      return true
    }
    return isKnown
  }

  /// Whether an object that is not too large may have a name.
  func mayKnow(_ name: String, in index: Int) -> Bool {
    guard frames.base[index].count <= Self.comparedNames else { return false }
    return name.utf8.withContiguousStorageIfAvailable { mayKnow(Self.hash($0), in: index) } ?? true
  }

  @inline(__always)
  private func mayKnow(_ hash: UInt32, in index: Int) -> Bool {
    let frame = frames.base + index
    if frame.pointee.scope != index { return frame.pointee.names & 1 &<< UInt64(hash & 63) != 0 }
    var isKnown = false
    for position in Int(truncatingIfNeeded: frame.pointee.names)..<names.count where names.base[position] == hash {
      isKnown = true
    }
    return isKnown
  }

  @inline(__always)
  private static func hash(_ name: UnsafeBufferPointer<UInt8>) -> UInt32 {
    guard let base = name.baseAddress else { return 0 }
    let count = name.count
    var hash = UInt64(truncatingIfNeeded: count)
    var index = 0
    while index &+ 8 <= count {
      hash = mix(hash ^ UnsafeRawPointer(base + index).loadUnaligned(as: UInt64.self))
      index &+= 8
    }
    var rest: UInt64 = 0
    while index < count {
      rest = rest &<< 8 | UInt64(base[index])
      index &+= 1
    }
    return UInt32(truncatingIfNeeded: mix(hash ^ rest) >> 32)
  }

  @inline(__always)
  private static func mix(_ value: UInt64) -> UInt64 {
    let product = value &* 0x9e37_79b9_7f4a_7c15
    return product ^ product >> 29
  }

  /// The way from the root to a value, read from what was written.
  func path(to index: Int) -> [any CodingKey] {
    var path: [any CodingKey] = []
    var index = index
    while index > 0, index < frames.count {
      let frame = frames.base[index]
      let parent = frames.base[frame.parent]
      switch parent.kind {
      case .array: path.append(JSONKey(index: frame.place))
      case .object: path.append(JSONKey(stringValue: name(at: frame.place, in: parent.stream)))
      case .value, .empty: break
      }
      index = frame.parent
    }
    path.reverse()
    return path
  }

  /// The name whose opening quote is at `place`.
  func name(at place: Int, in stream: Int) -> String {
    let buffer = stream == selected ? output : streams[stream].buffer ?? output
    var end = place + 1
    while end < buffer.count, buffer.base[end] != UInt8(ascii: "\"") {
      end += buffer.base[end] == UInt8(ascii: "\\") ? 2 : 1
    }
    let bytes = UnsafeBufferPointer(start: buffer.base + place + 1, count: min(end, buffer.count) - place - 1)
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: max(bytes.count, 1)) { memory in
      var reader = JSONEscapeReader(bytes: bytes, offset: 0)
      let count = (try? reader.read(into: memory)) ?? 0
      return String(decoding: memory[..<count], as: UTF8.self)
    }
  }
}
