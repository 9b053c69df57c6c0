import CLinux
import Glibc
import MartletCore

/// An open file that is closed with its owner.
struct FileDescriptor: ~Copyable {
  let number: Int32

  init(number: Int32) { self.number = number }

  /// Opens a side file of a store, and makes it if it is missing.
  init(opening path: String) throws(BrokerError) {
    number = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
    guard number >= 0 else {
      let reason = StoreDirectory.reason(errno)
      let isExhausted = [ENOSPC, EMFILE, ENFILE].contains(errno)
      throw BrokerError(
        isExhausted ? .exhausted : .permission,
        isExhausted
          ? "\(path) cannot be opened (\(reason)); free disk space, or raise ulimit -n"
          : "\(path) cannot be opened (\(reason)); give this user the right to write it", isRetriable: isExhausted)
    }
  }

  deinit { close(number) }
}
