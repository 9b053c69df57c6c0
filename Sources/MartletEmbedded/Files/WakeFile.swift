import CLinux
import Glibc
import MartletCore

/// How the processes that share a store wake each other: one writes a byte, the kernel tells the others (inotify).
final class WakeFile {
  private let file: FileDescriptor
  private let watch: FileDescriptor
  /// Why the system gave no watch; nil where it did. Then only the regular look finds what others wrote.
  let problem: String?

  init(path: String) throws(BrokerError) {
    file = try FileDescriptor(opening: path)
    let number = martlet_inotify()
    watch = FileDescriptor(number: number)
    let isWatched = number >= 0 && inotify_add_watch(number, path, UInt32(IN_MODIFY)) >= 0
    problem = isWatched ? nil : StoreDirectory.reason(errno)
  }

  /// Readable when a process has written; negative where there is no watch.
  var descriptor: Int32 { watch.number }

  /// Wakes all processes, this one included. Best effort: the check of each second finds what it missed.
  func notify() {
    var byte: UInt8 = 1
    _ = pwrite(file.number, &byte, 1, 0)
  }

  /// Takes what the kernel has told.
  func clear() {
    withUnsafeTemporaryAllocation(byteCount: 4096, alignment: 8) { buffer in
      while read(watch.number, buffer.baseAddress, buffer.count) == buffer.count {}
    }
  }
}
