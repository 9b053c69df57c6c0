import Foundation

/// A small text file that the configuration consists of, read with care: what an operator names may be anything.
enum ConfigurationFile {
  enum Content {
    case text(String)
    case missing
    /// Completes a sentence that begins with the file's name.
    case unusable(String)
  }

  static func read(_ path: String, atMost limit: Int) -> Content {
    let manager = FileManager.default
    guard let attributes = try? manager.attributesOfItem(atPath: URL(filePath: path).resolvingSymlinksInPath().path())
    else { return .missing }
    guard attributes[.type] as? FileAttributeType == .typeRegular else { return .unusable("is not a file") }
    if let size = attributes[.size] as? Int, size > limit {
      return .unusable("has \(size) bytes; at most \(limit) are read")
    }
    let data: Data
    do { data = try Data(contentsOf: URL(filePath: path)) } catch {
      return .unusable("cannot be read: \(error.localizedDescription)")
    }
    if data.starts(with: [0xff, 0xfe]) || data.starts(with: [0xfe, 0xff]) {
      return .unusable("is UTF-16; save it as UTF-8")
    }
    guard data.count <= limit, let text = String(validating: data, as: UTF8.self) else {
      return .unusable("is not UTF-8 text")
    }
    return .text(text)
  }
}
