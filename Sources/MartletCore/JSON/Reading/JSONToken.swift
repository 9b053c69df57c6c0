/// What stands in one place of a document. The raw values order `true` before `false` so that both are bools.
enum JSONKind: UInt8, BitwiseCopyable {
  case string, number, `true`, `false`, null, object, array
}

/// One value of a scanned document: where its bytes are, what encloses it and where the next value is.
///
/// A document is a flat list of these in the order of the text. A container stands before what it contains, so to
/// walk its members is to start behind it and to follow `next` up to its own `next`.
struct JSONToken: BitwiseCopyable {
  /// In an object: where the name of the member begins, behind the quote. In an array: the position of the element.
  var key: UInt32
  /// In an object: the bytes of the name in the low 30 bits, and the flags below.
  var keyLength: UInt32
  /// A string: its first byte behind the quote. Else the first byte.
  var start: UInt32
  /// A scalar: its bytes. A container: how many values are directly inside.
  var length: UInt32
  /// The token behind this value and everything inside it.
  var next: UInt32
  /// The container around it. The root is its own.
  var parent: UInt32
  /// An object: the member that the next lookup tries first.
  var cursor: UInt32
  var kind: JSONKind
  var flags: Flags

  struct Flags: OptionSet, BitwiseCopyable {
    let rawValue: UInt8
    /// A string with escapes or control characters: it must be read byte by byte.
    static let escaped = Flags(rawValue: 1)
    /// A string with bytes above ASCII: whether they are UTF-8 is to be checked.
    static let unicode = Flags(rawValue: 2)
    /// An object whose names were checked and whose repeated names were removed.
    static let prepared = Flags(rawValue: 4)
    /// An object whose members are found by an index.
    static let indexed = Flags(rawValue: 8)
  }

  static let keyLengthMask: UInt32 = 0x3fff_ffff
  /// The name has escapes, control characters or bytes above ASCII. A lookup by bytes does not match it.
  static let keyIsOdd: UInt32 = 0x8000_0000
  /// A repeated name: the first one counts, this one is never found.
  static let keyIsRepeated: UInt32 = 0x4000_0000
  /// Not in the text: a `superDecoder` for a name that is missing. `key` is the place in `JSONDocument.extraKeys`.
  static let keyIsExtra: UInt32 = 0xffff_ffff

  var isRepeated: Bool { keyLength & Self.keyIsRepeated != 0 }
}
