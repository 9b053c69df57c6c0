/// How ids of outputs are made: input id, function, output and index, so that an invocation that runs again sends the
/// same ids and a receiver can drop the repeat.
public enum MessageIdentifier {
  /// Longer ids are replaced by a digest, so that a chain of functions never reaches AMQP's 255 bytes.
  static let longest = 120

  /// `<input>/<function>.<output>.<index>`
  public static func derived(
    from input: Message.Identifier, function: String, output: Int, index: Int
  ) -> String {
    var function = function
    let id = input.withUTF8 { input in
      function.withUTF8 { function in
        // Written by hand: this runs once per message, and interpolation costs more than all the rest of it.
        String(unsafeUninitializedCapacity: input.count + function.count + 42) { text in
          var end = text[...].initialize(fromContentsOf: input)
          end = text.append("/", at: end)
          end = text[end...].initialize(fromContentsOf: function)
          end = text.append(".", at: end)
          end = text.append(output, at: end)
          end = text.append(".", at: end)
          return text.append(index, at: end)
        }
      }
    }
    return id.utf8.count <= longest ? id : digest(of: id)
  }

  /// A new id that no other message has: 128 random bits.
  public static func random() -> String {
    var words = RandomWords()
    return UInt128.random(in: .min ... .max, using: &words).hexText(digits: 32)
  }

  /// FNV-1a, 128 bits (draft-eastlake-fnv): by hand because no library of ours has a short, stable digest that is not
  /// cryptographic, and ten lines do.
  static func digest(of text: String) -> String { digest(of: text.utf8) }

  /// The same of bytes: what stands for an id that is no text.
  public static func digest(of bytes: some Sequence<UInt8>) -> String {
    var hash: UInt128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d
    for byte in bytes {
      hash = (hash ^ UInt128(byte)) &* 0x0000_0000_0100_0000_0000_0000_0000_013b
    }
    return hash.hexText(digits: 32)
  }
}

extension UnsafeMutableBufferPointer<UInt8> {
  fileprivate func append(_ character: Unicode.Scalar, at end: Int) -> Int {
    self[end] = UInt8(truncatingIfNeeded: character.value)
    return end + 1
  }

  fileprivate func append(_ number: Int, at end: Int) -> Int {
    if number < 10 { return append(Unicode.Scalar(UInt8(ascii: "0") + UInt8(number)), at: end) }
    return append(number % 10, at: append(number / 10, at: end))
  }
}
