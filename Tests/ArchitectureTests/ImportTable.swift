/// Who may import whom. A broker does not know the runtime, the runtime knows no broker, and what belongs to a C library
/// stays in the module that wraps it.
enum ImportTable {
  static let table: [String: Set<String>] = [
    "MartletCore": ["CLinux"],
    "MartletRuntime": ["MartletCore"],
    "MartletOperations": ["MartletCore"],
    "MartletEmbedded": ["MartletCore", "CLinux", "CSQLite"],
    "MartletRedis": ["MartletCore", "CLinux", "CHiredis"],
    "MartletRabbitMQ": ["MartletCore", "CLinux", "CRabbitMQ"],
    "Martlet": [
      "MartletCore", "MartletRuntime", "MartletOperations", "MartletEmbedded", "MartletRedis", "MartletRabbitMQ",
    ],
    "MartletTestKit": ["Martlet"],
    "MartletBench": ["Martlet", "CBaseline"],
  ]

  /// What belongs to the system or the toolchain, and is everybody's.
  static let everybodys: Set<String> = ["Foundation", "Glibc", "Synchronization", "Swift", "_Concurrency"]

  /// The module that an `import` line names; nil for any other line.
  static func imported(by line: String) -> String? {
    var words = line.split(separator: " ").prefix { !$0.hasPrefix("//") }
    while let word = words.first, word.hasPrefix("@") || accessLevels.contains(word) { words.removeFirst() }
    guard words.first == "import", var name = words.dropFirst().first else { return nil }
    if kinds.contains(name), let next = words.dropFirst(2).first { name = next }
    return name.split(separator: ".").first.map(String.init)
  }

  private static let accessLevels: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
  private static let kinds: Set<Substring> = [
    "typealias", "struct", "class", "enum", "protocol", "let", "var", "func",
  ]

  /// What a file imports and may not.
  static func findings(in file: SourceTree.File) -> [Finding] {
    guard let allowed = table[file.module] else {
      return [Finding(file: file.path, line: nil, problem: "the module \(file.module) is not in the import table")]
    }
    return file.lines.enumerated().compactMap { index, line in
      guard let module = imported(by: line), !everybodys.contains(module), !allowed.contains(module) else { return nil }
      return Finding(file: file.path, line: index + 1, problem: "\(file.module) may not import \(module)")
    }
  }
}
