import Glibc

extension JSONDocument {
  /// From how many members an index pays.
  private static let indexFrom = 33

  /// Checks the names of an object once, before its first container: malformed ones throw, and of equal ones only the
  /// first stays, so that a lookup may begin anywhere.
  @inline(__always)
  func prepare(_ object: Int) throws {
    if !token(object).pointee.flags.contains(.prepared) { try prepareNow(object) }
  }

  private func prepareNow(_ object: Int) throws {
    let header = token(object)
    let end = Int(header.pointee.next)
    var mayRepeat = header.pointee.length >= Self.indexFrom
    var isOdd = false
    var seen: UInt64 = 0
    var node = object + 1
    while node < end {
      let keyLength = token(node).pointee.keyLength
      isOdd = isOdd || keyLength & JSONToken.keyIsOdd != 0
      let bit = 1 &<< hint(token(node).pointee.key, keyLength)
      mayRepeat = mayRepeat || seen & bit != 0
      seen |= bit
      node = Int(token(node).pointee.next)
    }
    var flags = JSONToken.Flags.prepared
    if isOdd || header.pointee.length >= Self.indexFrom {
      indexes[object] = isOdd ? .strings(try uniqueStrings(object)) : .bytes(uniqueBytes(object))
      flags.insert(.indexed)
    } else if mayRepeat {
      removeRepeated(object)
    }
    header.pointee.flags = flags
  }

  /// Six bits that equal names share and that different ones share seldom.
  @inline(__always)
  private func hint(_ key: UInt32, _ length: UInt32) -> UInt64 {
    let length = Int(length & JSONToken.keyLengthMask)
    guard length > 0 else { return 0 }
    let name = base + Int(key)
    let mixed = UInt64(name[0]) &* 31 &+ UInt64(name[length - 1]) &* 7 &+ UInt64(name[length / 2]) &+ UInt64(length)
    return mixed & 63
  }

  private func removeRepeated(_ object: Int) {
    let end = Int(token(object).pointee.next)
    var node = object + 1
    while node < end {
      var earlier = object + 1
      while earlier < node {
        if bytes(of: earlier) == bytes(of: node) {
          token(node).pointee.keyLength |= JSONToken.keyIsRepeated
          break
        }
        earlier = Int(token(earlier).pointee.next)
      }
      node = Int(token(node).pointee.next)
    }
  }

  private func uniqueBytes(_ object: Int) -> [JSONKeyBytes: Int] {
    var members: [JSONKeyBytes: Int] = [:]
    members.reserveCapacity(Int(token(object).pointee.length))
    forEachMember(of: object) { node in
      let isNew = members.updateIfAbsent(node, for: bytes(of: node))
      if !isNew { token(node).pointee.keyLength |= JSONToken.keyIsRepeated }
    }
    return members
  }

  private func uniqueStrings(_ object: Int) throws -> [String: Int] {
    var members: [String: Int] = [:]
    members.reserveCapacity(Int(token(object).pointee.length))
    try forEachMember(of: object) { node in
      let name: String
      do throws(JSONSyntaxError) {
        name = try self.name(of: node)
      } catch {
        throw self.error(.syntax(error), at: object)
      }
      let isNew = members.updateIfAbsent(node, for: name)
      if !isNew { token(node).pointee.keyLength |= JSONToken.keyIsRepeated }
    }
    return members
  }

  /// The members whose names count, in the order of the text.
  func forEachMember(of object: Int, _ body: (Int) throws -> Void) rethrows {
    let end = Int(token(object).pointee.next)
    var node = object + 1
    while node < end {
      if !token(node).pointee.isRepeated { try body(node) }
      node = Int(token(node).pointee.next)
    }
  }

  private func bytes(of node: Int) -> JSONKeyBytes {
    let token = token(node)
    let length = Int(token.pointee.keyLength & JSONToken.keyLengthMask)
    return JSONKeyBytes(bytes: UnsafeBufferPointer(start: base + Int(token.pointee.key), count: length))
  }
}

extension JSONDocument {
  /// The member with that name, or nil. Names mostly come in the order in which they are asked for, so that the one
  /// behind the last one found is tried first.
  @inline(__always)
  func member(named name: String, of object: Int) -> Int? {
    let found = name.utf8.withContiguousStorageIfAvailable { find($0, name, of: object) }
    if let found { return found }
    var copy = name
    return copy.withUTF8 { find($0, name, of: object) }
  }

  private func find(_ utf8: UnsafeBufferPointer<UInt8>, _ name: String, of object: Int) -> Int? {
    let header = token(object)
    let end = Int(header.pointee.next)
    let expected = Int(header.pointee.cursor)
    if expected < end, matches(utf8, expected) {
      header.pointee.cursor = token(expected).pointee.next
      return expected
    }
    if header.pointee.flags.contains(.indexed) {
      if let member = indexes[object]?.member(named: name, utf8: utf8) {
        header.pointee.cursor = token(member).pointee.next
        return member
      }
    } else {
      var node = object + 1
      while node < end {
        if matches(utf8, node) {
          header.pointee.cursor = token(node).pointee.next
          return node
        }
        node = Int(token(node).pointee.next)
      }
    }
    // A few characters outside of ASCII are equal to one inside, the Kelvin sign to K for instance.
    return utf8.contains(where: { $0 >= 0x80 }) ? findEqual(name, of: object) : nil
  }

  @inline(__always)
  private func matches(_ utf8: UnsafeBufferPointer<UInt8>, _ node: Int) -> Bool {
    let token = token(node)
    // Flags in the length keep odd and repeated names from matching.
    guard Int(token.pointee.keyLength) == utf8.count else { return false }
    guard let address = utf8.baseAddress else { return true }
    return memcmp(address, base + Int(token.pointee.key), utf8.count) == 0
  }

  private func findEqual(_ name: String, of object: Int) -> Int? {
    var node = object + 1
    let end = Int(token(object).pointee.next)
    while node < end {
      if !token(node).pointee.isRepeated, (try? self.name(of: node)) == name { return node }
      node = Int(token(node).pointee.next)
    }
    return nil
  }
}

extension Dictionary {
  /// Keeps the first value of a key. False: there was one.
  fileprivate mutating func updateIfAbsent(_ value: Value, for key: Key) -> Bool {
    if self[key] != nil { return false }
    self[key] = value
    return true
  }
}
