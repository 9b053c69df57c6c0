import Glibc
import MartletCore

/// Where an embedded broker keeps its messages.
struct EmbeddedLocation: Sendable, Hashable {
  /// The database file; nil is memory.
  let file: String?

  /// - Parameter path: nil or empty is memory; a path that ends in `.db` is the file; anything else is the folder of a
  ///   file `martlet.db`.
  init(path: String?) throws(BrokerError) {
    guard let path, !path.isEmpty else {
      file = nil
      return
    }
    guard !path.utf8.contains(0) else {
      throw BrokerError(.configuration, "the path of the embedded broker holds a NUL byte", isRetriable: false)
    }
    let file = path.hasSuffix(".db") ? path : path.hasSuffix("/") ? path + "martlet.db" : path + "/martlet.db"
    guard file.utf8.count <= 4000 else {
      throw BrokerError(.configuration, "the path of the embedded broker is longer than 4000 bytes", isRetriable: false)
    }
    self.file = file
  }

  /// The folder of the file.
  var directory: String {
    guard let file, let slash = file.lastIndex(of: "/") else { return "." }
    return slash == file.startIndex ? "/" : String(file[..<slash])
  }

  /// As somebody on another machine would find it.
  var place: String {
    var name = [CChar](repeating: 0, count: 256)
    gethostname(&name, name.count - 1)
    let host = name.withUnsafeBytes { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    guard let file else { return "embedded: in the memory of process \(getpid()) on \(host)" }
    guard !file.hasPrefix("/"), let folder = getcwd(nil, 0) else { return "embedded:\(file) on \(host)" }
    defer { free(folder) }
    return "embedded:\(String(cString: folder))/\(file.hasPrefix("./") ? String(file.dropFirst(2)) : file) on \(host)"
  }

  /// As logs and errors name it.
  var description: String { file ?? "the memory broker" }
}
