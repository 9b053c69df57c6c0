import Foundation

/// Finds the process that listens on a port of this machine.
enum BrokerProcess {
  /// nil where none does, it belongs to another user, or the host is another machine.
  static func identifier(host: String, port: Int) -> Int? {
    guard ["localhost", "127.0.0.1", "::1", "[::1]"].contains(host) else { return nil }
    let sockets = Set(["/proc/net/tcp", "/proc/net/tcp6"].flatMap { listeningSockets(in: $0, port: port) })
    guard !sockets.isEmpty, let processes = try? FileManager.default.contentsOfDirectory(atPath: "/proc") else {
      return nil
    }
    return processes.lazy.compactMap { Int($0) }.first { owns(sockets, process: $0) }
  }

  /// The inodes of the sockets in a table of the kernel: the local address is the second column, the state (0A: it
  /// listens) the fourth, the inode the tenth.
  private static func listeningSockets(in table: String, port: Int) -> [String] {
    guard let text = try? String(contentsOfFile: table, encoding: .utf8) else { return [] }
    return text.split(separator: "\n").dropFirst().compactMap { line in
      let columns = line.split(separator: " ", omittingEmptySubsequences: true)
      guard columns.count > 9, columns[3] == "0A", let digits = columns[1].split(separator: ":").last,
        Int(digits, radix: 16) == port
      else { return nil }
      return "socket:[\(columns[9])]"
    }
  }

  private static func owns(_ sockets: Set<String>, process: Int) -> Bool {
    let folder = "/proc/\(process)/fd"
    guard let files = try? FileManager.default.contentsOfDirectory(atPath: folder) else { return false }
    return files.contains { file in
      guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(file)") else {
        return false
      }
      return sockets.contains(target)
    }
  }
}
