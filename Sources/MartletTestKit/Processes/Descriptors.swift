import Glibc
import Martlet

/// File descriptors that no child process inherits: a child that holds the other end of somebody's connection keeps
/// its reader waiting for ever.
enum Descriptors {
  private static let lock = Locked(())

  /// Starts a child while no descriptor is unmarked.
  static func whileAllAreMarked<R>(_ spawn: () throws -> R) rethrows -> R {
    try lock.withLock { _ in try spawn() }
  }

  /// Two connected ends, ours and a child's; nil where the system has none left. Sockets, since a write to a pipe whose
  /// reader died would kill us with `SIGPIPE`.
  static func pair() -> (ours: Int32, childs: Int32)? {
    var ends: [Int32] = [0, 0]
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    return socketpair(AF_UNIX, type, 0, &ends) == 0 ? (ends[0], ends[1]) : nil
  }

  /// The next connection of a listener, non-blocking; nil where there is none.
  static func accept(_ listener: Int32) -> Int32? {
    // `accept4`, which marks it in the same step, is not visible to Swift.
    lock.withLock { _ in
      let descriptor = Glibc.accept(listener, nil, nil)
      guard descriptor >= 0 else { return nil }
      _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
      _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
      return descriptor
    }
  }
}
