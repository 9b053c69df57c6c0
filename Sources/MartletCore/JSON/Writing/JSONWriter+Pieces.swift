/// What is written beside the output, to be put into another stream later.
struct JSONStream {
  /// Nil while it is selected.
  var buffer: JSONBuffer?
  /// Where it belongs.
  var parent: Int
  var offset: Int
}

extension JSONWriter {
  /// Begins a nested container or a super encoder of a frame. Its stream is put in the place where the frame's stream
  /// ends now.
  func beginPiece(_ kind: JSONFrame.Kind, of parent: Int, place: Int) -> JSONFrameID {
    let level = frames.base[parent].level + 1
    if kind != .empty, level >= JSONSyntaxError.maxDepth { return refuse(Self.tooDeep) }
    if streams.isEmpty { streams.append(JSONStream(buffer: nil, parent: 0, offset: 0)) }
    let offset = output.count
    let around = selected
    streams.append(JSONStream(buffer: JSONBuffer(capacity: 64), parent: around, offset: offset))
    select(streams.count - 1)
    let id = push(kind, parent: parent, place: place, level: level)
    frames.base[id.index].scope = scope
    frames.base[id.index].names = 0
    switch kind {
    case .object: output.append(UInt8(ascii: "{"))
    case .array: output.append(UInt8(ascii: "["))
    case .value, .empty: break
    }
    return id
  }

  /// The nested container that an object has under a name already: whoever asks again gets the same one.
  func piece(_ kind: JSONFrame.Kind, named name: String, of parent: Int) -> JSONFrameID? {
    guard kind != .empty, mayKnow(name, in: parent) else { return nil }
    let stream = frames.base[parent].stream
    for index in scope + 1..<frames.count {
      let frame = frames.base[index]
      if frame.parent == parent, frame.kind == kind, self.name(at: frame.place, in: stream) == name {
        return JSONFrameID(index: index, serial: frame.serial)
      }
    }
    return nil
  }

  /// Completes the pieces of an `encode(to:)` and puts them into their places.
  func joinPieces(of scope: Int) {
    let firstFrame = scope + 1
    let first = streams.count - (frames.count - firstFrame)
    for index in firstFrame..<frames.count {
      select(frames.base[index].stream)
      close(frames.base[index].kind)
    }
    select(frames.base[scope].stream)
    // Later pieces are never around earlier ones, so that from the last to the first each is complete when it is put
    // into its own place.
    var inside = Array(repeating: [Int](), count: streams.count - first)
    var outermost: [Int] = []
    for stream in (first..<streams.count).reversed() {
      if !inside[stream - first].isEmpty { insert(inside[stream - first].reversed(), into: stream) }
      let parent = streams[stream].parent
      if parent < first { outermost.append(stream) } else { inside[parent - first].append(stream) }
    }
    insert(outermost.reversed(), into: selected)
    dropStreams(from: first)
  }

  /// Puts complete pieces into a stream; they are in the order of their places.
  private func insert(_ pieces: [Int], into stream: Int) {
    guard let first = pieces.first else { return }
    var target = stream == selected ? output : streams[stream].buffer ?? output
    var position = streams[first].offset
    let tail = Array(UnsafeBufferPointer(start: target.base + position, count: target.count - position))
    let tailStart = position
    target.truncate(to: position)
    tail.withUnsafeBufferPointer { tail in
      for piece in pieces {
        let offset = streams[piece].offset
        target.append(copying: UnsafeBufferPointer(rebasing: tail[position - tailStart..<offset - tailStart]))
        position = offset
        if let text = streams[piece].buffer {
          target.append(copying: UnsafeBufferPointer(start: text.base, count: text.count))
        }
      }
      target.append(copying: UnsafeBufferPointer(rebasing: tail[(position - tailStart)...]))
    }
    if stream == selected { output = target } else { streams[stream].buffer = target }
  }

  /// Makes another stream the output.
  @inline(never)
  func exchange(_ stream: Int) {
    guard let buffer = streams[stream].buffer else { return }
    streams[selected].buffer = output
    streams[stream].buffer = nil
    output = buffer
    selected = stream
  }

  /// Forgets the last streams; none of them is selected.
  func dropStreams(from first: Int) {
    guard streams.count > first else { return }
    for stream in streams[first...] { stream.buffer?.deallocate() }
    streams.removeSubrange(first...)
  }
}
