/// The stack of a connection's thread.
enum ConnectionStack {
  /// The library decodes nested tables by recursion, and a frame of 128 KiB has room for 26 000 levels. The system maps
  /// only what is touched.
  static let bytes = 64 << 20
}
