/// The flags of the command line that are Martlet's. All others are the app's.
struct ConfigurationFlags {
  static let names = ["--broker", "--store", "--connection", "--host-json", "--log-level", "--log-format"]

  /// In the order of the command line.
  private(set) var settings: [(name: String, setting: Setting)] = []
  private(set) var problems: [ConfigurationError.Problem] = []

  init(_ arguments: [String]) {
    var rest = arguments[...]
    while let argument = rest.popFirst(), argument != "--" {
      let equals = argument.firstIndex(of: "=")
      let name = equals.map { String(argument[..<$0]) } ?? argument
      guard Self.names.contains(name) else { continue }
      var value = equals.map { String(argument[argument.index(after: $0)...]) }
      if value == nil, let next = rest.first, !next.hasPrefix("--") { value = rest.popFirst() }
      guard let value, !value.isEmpty else {
        problems.append(.init(name, "needs a value"))
        continue
      }
      if name != "--connection", settings.contains(where: { $0.name == name }) {
        problems.append(.init(name, "is there twice"))
      }
      settings.append((name, Setting(text: value, place: name)))
    }
  }

  /// The path that was given for `host.json`.
  var hostJSON: Setting? { settings.first { $0.name == "--host-json" }?.setting }

  func apply(to draft: inout ConfigurationDraft) {
    for (name, setting) in settings {
      switch name {
      case "--broker":
        if let url = Self.url(setting, "MARTLET_BROKER", &draft) { draft.setBroker(url) }
      case "--store":
        if let url = Self.url(setting, "MARTLET_STORE", &draft) { draft.setStore(url) }
      case "--connection": Self.connect(setting, &draft)
      case "--log-level": if let level = draft.level(setting) { draft.ownLogLevel = level }
      case "--log-format": if let format = draft.format(setting) { draft.logFormat = format }
      default: break
      }
    }
  }

  private static func connect(_ setting: Setting, _ draft: inout ConfigurationDraft) {
    guard let text = draft.text(setting) else { return }
    guard let equals = text.firstIndex(of: "="), equals > text.startIndex else {
      return draft.add("--connection", "must be NAME=URL")
    }
    let name = String(text[..<equals])
    let place = "--connection \(Setting.printable(name))"
    let url = Setting(text: String(text[text.index(after: equals)...]), place: place)
    if let url = Self.url(url, "MARTLET_CONNECTION_\(HostConfiguration.connectionKey(name).uppercased())", &draft) {
      draft.setConnection(name, url)
    }
  }

  /// Every user of the machine can read a command line, so no password may stand there.
  private static func url(_ setting: Setting, _ variable: String, _ draft: inout ConfigurationDraft) -> Setting? {
    guard case .string(let text) = setting.value, BrokerPassword.isIn(text), !BrokerPassword.isPublic(text) else {
      return setting
    }
    draft.add(
      setting.place,
      "holds a password, which every user of this machine can read there; leave it out and put it into \(variable)_PASSWORD or into a file that \(variable)_PASSWORD_FILE names"
    )
    return nil
  }
}
