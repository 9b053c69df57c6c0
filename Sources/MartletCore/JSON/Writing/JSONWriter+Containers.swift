extension JSONWriter {
  static let misuse = "It was written to after it was complete, or while a value inside of it is being written."

  /// Makes a frame an object or an array, or nil if it is something else already. An object is opened again where it
  /// was written as a single value before: a type may encode another one first and add members of its own.
  func open(_ kind: JSONFrame.Kind, _ id: JSONFrameID) -> JSONFrameID {
    guard let frame = frame(id) else { return refuse(Self.misuse) }
    if frame.pointee.kind == kind { return id }
    guard frame.pointee.level < JSONSyntaxError.maxDepth else { return refuse(Self.tooDeep) }
    select(frame.pointee.stream)
    let bracket = kind == .object ? UInt8(ascii: "{") : UInt8(ascii: "[")
    let start = frame.pointee.start
    switch frame.pointee.kind {
    case .empty:
      output.append(bracket)
    case .value where output.count > start && output.base[start] == bracket:
      output.truncate(to: output.count - 1)
      frame.pointee.count = output.count > start + 1 ? 1 : 0
      mayRepeat = true
    default:
      return refuse("It is encoded in two ways that exclude each other.")
    }
    frame.pointee.kind = kind
    return id
  }

  static let tooDeep = "Arrays and objects are nested deeper than \(JSONSyntaxError.maxDepth) levels."

  /// For calls that cannot throw: the next that can will.
  func refuse(_ text: String) -> JSONFrameID {
    if failure == nil { failure = text }
    return .none
  }

  /// Writes the name of the next member and returns where.
  @inline(__always)
  func beginMember(_ name: String, of index: Int) -> Int {
    let frame = frames.base + index
    select(frame.pointee.stream)
    if frame.pointee.count != 0 { output.append(UInt8(ascii: ",")) }
    frame.pointee.count &+= 1
    let place = output.count
    let written: Void? = name.utf8.withContiguousStorageIfAvailable { utf8 in
      if note(utf8, in: index) { mayRepeat = true }
      output.append(quoting: utf8)
    }
    if written == nil {
      mayRepeat = true
      output.append(string: name)
    }
    output.append(UInt8(ascii: ":"))
    return place
  }

  /// Prepares for the next element and returns its index.
  @inline(__always)
  func beginElement(of index: Int) -> Int {
    let frame = frames.base + index
    select(frame.pointee.stream)
    let place = frame.pointee.count
    if place != 0 { output.append(UInt8(ascii: ",")) }
    frame.pointee.count = place &+ 1
    return place
  }

  /// Runs what writes one more part of a frame; after an error it is as if the part had never been begun.
  @inline(__always)
  func part<Value>(of id: JSONFrameID, _ value: @autoclosure () -> Value, _ body: () throws -> Void) throws {
    guard let frame = frame(id) else { throw error(value(), Self.misuse, in: 0) }
    let before = frame.pointee
    select(before.stream)
    let end = output.count
    let depth = frames.count
    let streamCount = streams.count
    do {
      try body()
    } catch {
      select(before.stream)
      output.truncate(to: end)
      frames.truncate(to: depth)
      dropStreams(from: streamCount)
      frames.base[id.index] = before
      throw error
    }
  }
}
