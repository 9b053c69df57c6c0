import CLinux
import Glibc
import MartletCore

/// The folder of a store: made, and checked for what SQLite and the wake file need of it.
enum StoreDirectory {
  /// File systems on which locks and shared memory do not hold between machines, by `f_type` of statfs(2).
  static let networkFileSystems: [Int: String] = [
    0x6969: "NFS", 0x517b: "SMB", 0xff53_4d42: "CIFS", 0xfe53_4d42: "SMB2", 0x0102_1997: "9p", 0x5346_414f: "AFS",
    0x6b41_4653: "AFS", 0x7375_7245: "Coda", 0x564c: "NCP", 0x00c3_6400: "Ceph", 0x0bd0_0bd0: "Lustre",
    0x1983_0326: "BeeGFS", 0x4750_4653: "GPFS", 0x7461_636f: "OCFS2", 0x0116_1970: "GFS2",
  ]

  /// Makes the folder if it is missing and checks that it can carry a store.
  /// - Throws: `BrokerError` that says what to change. Not retriable: an operator has to act.
  static func prepare(_ path: String) throws(BrokerError) {
    try create(path)
    if let problem = problem(fileSystem: martlet_file_system_type(path), of: path) { throw problem }
    guard access(path, W_OK | X_OK) == 0 else {
      throw BrokerError(
        .permission,
        "\(path) cannot be written (\(reason(errno))); give this user the right to write there, or choose another folder",
        isRetriable: false)
    }
  }

  static func problem(fileSystem type: Int, of path: String) -> BrokerError? {
    networkFileSystems[type].map { name in
      BrokerError(
        .configuration,
        "\(path) lies on a network file system (\(name)), where the locks of SQLite do not hold; choose a folder on a local disk",
        isRetriable: false)
    }
  }

  private static func create(_ path: String) throws(BrokerError) {
    var information = stat()
    if stat(path, &information) == 0 {
      guard information.st_mode & S_IFMT == S_IFDIR else {
        throw BrokerError(
          .configuration, "\(path) is not a folder; name a folder, or a file that ends in .db", isRetriable: false)
      }
      return
    }
    if let slash = path.lastIndex(of: "/"), slash > path.startIndex {
      try create(String(path[..<slash]))
    }
    guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
      throw BrokerError(
        errno == ENOSPC ? .exhausted : .permission,
        "the folder \(path) cannot be made (\(reason(errno))); make it, with the right to write, or choose another",
        isRetriable: errno == ENOSPC)
    }
  }

  /// An errno in words.
  static func reason(_ number: Int32) -> String { String(cString: strerror(number)) }
}
