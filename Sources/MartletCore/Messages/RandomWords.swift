import Glibc

/// Random numbers of the system, drawn many at a time: a draw is a system call, and a message needs three numbers.
struct RandomWords: RandomNumberGenerator {
  private static let pool = Locked<[UInt64]>([])
  /// 256 bytes: the most that the system gives in one piece, however it is interrupted.
  private static let draw = 32

  mutating func next() -> UInt64 {
    Self.pool.withLock { words in
      if words.isEmpty {
        words = [UInt64](unsafeUninitializedCapacity: Self.draw) { buffer, count in
          count = getentropy(buffer.baseAddress, Self.draw * 8) == 0 ? Self.draw : 0
        }
      }
      var generator = SystemRandomNumberGenerator()
      return words.popLast() ?? generator.next()
    }
  }
}
