/// A delivery whose header or body has yet to come.
struct IncomingMessage {
  /// 0 where none is on its way.
  var tag: UInt64 = 0
  /// Somebody had it before and did not settle it.
  var isRedelivered = false
  /// It was asked for, from the suspects.
  var isSuspect = false
  /// Its header has come.
  var hasHeader = false
  var bodySize = 0
  /// The parts of a body that has more than one.
  var parts: [UInt8] = []
}
