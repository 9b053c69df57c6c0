import CLinux
import Glibc

/// Wakes a thread that sleeps in `poll`: an eventfd.
public final class WakeSignal: Sendable {
  /// Readable when there is a signal. Poll it beside the sockets.
  public let descriptor: Int32

  public init() {
    descriptor = martlet_eventfd()
    precondition(descriptor >= 0, "the system refuses another file descriptor (errno \(errno)); raise ulimit -n")
  }

  deinit { close(descriptor) }

  /// Wakes the sleeper, or keeps it from falling asleep.
  public func notify() {
    var one: UInt64 = 1
    _ = write(descriptor, &one, 8)
  }

  /// Takes the signal back after waking.
  public func clear() {
    var count: UInt64 = 0
    _ = read(descriptor, &count, 8)
  }
}
