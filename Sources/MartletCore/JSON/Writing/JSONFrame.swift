/// One value that is being written: what an `encode(to:)` was called for, or a nested container.
struct JSONFrame: BitwiseCopyable {
  enum Kind: UInt8, BitwiseCopyable {
    /// Nothing yet.
    case empty
    /// A single value.
    case value
    case object, array
  }

  var kind: Kind
  /// Tells this frame from an earlier or later one in the same place.
  var serial: UInt32
  /// How many arrays and objects are around the value.
  var level: Int
  /// The stream that it is written to, its own or that of its parent.
  var stream: Int
  /// The frame of the `encode(to:)` that it belongs to: itself, or for a nested container the one around it.
  var scope: Int
  /// The frame that it is a member or an element of. The document is its own.
  var parent: Int
  /// Where it is in the parent: in an array the index, in an object where the name stands in the stream.
  var place: Int
  /// Where it begins in its stream.
  var start: Int
  /// The values in it so far.
  var count = 0
  /// Where the hashes of its names begin; of a nested container a bit for each hash.
  var names: UInt64
}

/// What encoders and containers hold: which frame they mean. The frame may be gone when they are kept too long.
struct JSONFrameID: BitwiseCopyable {
  var index: Int
  var serial: UInt32

  /// No frame: to write to it throws.
  static let none = JSONFrameID(index: 0, serial: 0)
}
