import Foundation

/// What the build made beside the tests.
public enum BuiltProducts {
  /// The path of an executable product.
  public static func executable(_ name: String) -> String {
    let runner = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    return URL(filePath: runner).deletingLastPathComponent().appending(path: name).path
  }
}
