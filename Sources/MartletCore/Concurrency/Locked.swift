#if TSAN
  import class Foundation.NSLock
#else
  public import Synchronization
#endif

/// A value behind a lock. `NSLock` under the thread sanitizer, which cannot see the futex that `Mutex` uses on Linux.
public struct Locked<Value: Sendable>: ~Copyable, Sendable {
  #if TSAN
    private final class Box: @unchecked Sendable {  // every access to `value` holds `lock`
      let lock = NSLock()
      var value: Value
      init(_ value: Value) { self.value = value }
    }
    private let box: Box

    public init(_ value: Value) { box = Box(value) }

    /// Runs `body` with the value, alone. Keep it short: no call out, no wait.
    public borrowing func withLock<R, Failure: Error>(_ body: (inout Value) throws(Failure) -> R) throws(Failure) -> R {
      box.lock.lock()
      defer { box.lock.unlock() }
      return try body(&box.value)
    }
  #else
    @usableFromInline let mutex: Mutex<Value>

    @inlinable
    public init(_ value: Value) { mutex = Mutex(value) }

    /// Runs `body` with the value, alone. Keep it short: no call out, no wait.
    @inlinable
    public borrowing func withLock<R, Failure: Error>(_ body: (inout Value) throws(Failure) -> R) throws(Failure) -> R {
      try mutex.withLock { value throws(Failure) in try body(&value) }
    }
  #endif
}
