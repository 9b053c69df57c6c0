import Glibc

extension JSONDocument {
  /// A string value.
  func string(at node: Int) throws(JSONValueError) -> String {
    let token = token(node).pointee
    guard token.kind == .string else { throw token.kind == .null ? .null(String.self) : .mismatch(String.self) }
    let bytes = UnsafeBufferPointer(start: base + Int(token.start), count: Int(token.length))
    if token.flags.isEmpty { return String(decoding: bytes, as: UTF8.self) }
    do throws(JSONSyntaxError) {
      return try checkedString(bytes, at: Int(token.start), escaped: token.flags.contains(.escaped))
    } catch {
      throw .syntax(error)
    }
  }

  /// The name of a member.
  func name(of node: Int) throws(JSONSyntaxError) -> String {
    let token = token(node).pointee
    let length = Int(token.keyLength & JSONToken.keyLengthMask)
    let bytes = UnsafeBufferPointer(start: base + Int(token.key), count: length)
    guard token.keyLength & JSONToken.keyIsOdd != 0 else { return String(decoding: bytes, as: UTF8.self) }
    return try checkedString(bytes, at: Int(token.key), escaped: true)
  }

  /// A string that is not plain ASCII.
  private func checkedString(_ bytes: UnsafeBufferPointer<UInt8>, at offset: Int, escaped: Bool)
    throws(JSONSyntaxError) -> String
  {
    guard escaped else { return try text(bytes, at: offset) }
    let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
    defer { memory.deallocate() }
    var reader = JSONEscapeReader(bytes: bytes, offset: offset)
    let count = try reader.read(into: memory)
    return try text(UnsafeBufferPointer(rebasing: memory[..<count]), at: offset)
  }

  /// Bytes without escapes, if they are UTF-8. The library repairs what is not, so a text that is equal to its bytes
  /// had nothing to repair; that is much faster than to ask the library to validate.
  private func text(_ bytes: UnsafeBufferPointer<UInt8>, at offset: Int) throws(JSONSyntaxError) -> String {
    var text = String(decoding: bytes, as: UTF8.self)
    let isEqual = text.withUTF8 { utf8 in
      guard utf8.count == bytes.count, let left = utf8.baseAddress, let right = bytes.baseAddress else {
        return bytes.isEmpty
      }
      return memcmp(left, right, bytes.count) == 0
    }
    guard isEqual else { throw JSONSyntaxError(reason: .notText, offset: offset) }
    return text
  }
}
