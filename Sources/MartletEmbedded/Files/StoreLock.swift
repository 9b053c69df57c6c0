import CLinux
import Glibc
import MartletCore

/// The one lock that every write transaction and every checkpoint of a store takes, in all processes.
///
/// SQLite before 3.51.3 can damage a WAL that one connection writes while another resets it; under this lock that does
/// not happen. It also queues the writers: SQLite's own busy handler only polls, and may starve one. Two files make it
/// fair: whoever waits for `lock` holds `turnstile`, so the one that has just released `lock` cannot overtake.
///
/// A process that is stopped (SIGSTOP) inside of a transaction holds the lock until it goes on or dies, as it holds
/// SQLite's.
final class StoreLock {
  private let turnstile: FileDescriptor
  private let lock: FileDescriptor

  init(turnstile: String, lock: String) throws(BrokerError) {
    self.turnstile = try FileDescriptor(opening: turnstile)
    self.lock = try FileDescriptor(opening: lock)
  }

  /// Waits until no other process or broker holds it.
  func acquire() {
    take(turnstile)
    take(lock)
    flock(turnstile.number, LOCK_UN)
  }

  func release() { flock(lock.number, LOCK_UN) }

  private func take(_ file: borrowing FileDescriptor) {
    // Only a signal can interrupt it: both files are open and local.
    while flock(file.number, LOCK_EX) != 0 && errno == EINTR {}
  }
}
