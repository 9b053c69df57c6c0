public import Foundation

extension HostConfiguration {
  /// Larger files are refused, unread.
  private static let maxFileBytes = 1 << 20

  /// Reads the configuration of this process: command line before environment before `host.json` before defaults.
  /// - Parameters:
  ///   - arguments: the command line without the program's name. Flags that are not Martlet's are left to the app.
  ///   - environment: the variables.
  ///   - directory: where `host.json` is looked for.
  /// - Throws: every mistake, in one error.
  public static func load(
    arguments: [String] = Array(CommandLine.arguments.dropFirst()),
    environment: [String: String] = ProcessInfo.processInfo.environment,
    directory: String = FileManager.default.currentDirectoryPath
  ) throws(ConfigurationError) -> HostConfiguration {
    let configuration = read(arguments: arguments, environment: environment, directory: directory)
    guard configuration.problems.isEmpty else { throw ConfigurationError(configuration.problems) }
    return configuration
  }

  /// The same with the mistakes inside, so that those of the app come in the same message.
  package static func read(
    arguments: [String] = Array(CommandLine.arguments.dropFirst()),
    environment: [String: String] = ProcessInfo.processInfo.environment,
    directory: String = FileManager.default.currentDirectoryPath
  ) -> HostConfiguration {
    var draft = ConfigurationDraft(environment: environment)
    let flags = ConfigurationFlags(arguments)
    draft.problems += flags.problems
    if var root = readFile(flags.hostJSON, directory: directory, &draft) {
      draft.overrides(&root)
      SettingRule.hostJSON.apply(root, name: "", to: &draft)
    }
    draft.readVariables()
    flags.apply(to: &draft)
    return draft.finish(isTerminal: isatty(2) == 1)
  }

  /// The file's tree; an empty one where there is no file, nil where it cannot be read.
  private static func readFile(_ flag: Setting?, directory: String, _ draft: inout ConfigurationDraft) -> Setting? {
    var name = "host.json"
    if let flag, case .string(let path) = flag.value { name = path }
    let path = name.hasPrefix("/") ? name : "\(directory)/\(name)"
    switch ConfigurationFile.read(path, atMost: maxFileBytes) {
    case .missing:
      if let flag { draft.add(flag.place, "the file \"\(Setting.printable(name))\" does not exist") }
      return Setting(.object([]), place: name)
    case .unusable(let reason): draft.add(name, reason)
    case .text(let text):
      var parser = SettingParser(text, file: name)
      do {
        let root = try parser.parse()
        draft.problems += parser.problems
        return root
      } catch {
        draft.problems += parser.problems
        draft.add(error.place, error.message)
      }
    }
    return nil
  }
}
