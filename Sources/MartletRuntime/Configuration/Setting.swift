/// A value of the configuration, and where it stands.
struct Setting: Sendable {
  enum Value: Sendable {
    case object([Member])
    case array([Setting])
    case string(String)
    /// As it is written: a number too large for an `Int` must still be shown.
    case number(String)
    case bool(Bool)
    case null
  }

  struct Member: Sendable {
    let name: String
    var setting: Setting
  }

  var value: Value
  /// File, line, column and key path; a variable; a flag.
  let place: String
  /// Variables and flags hold text only, so `5` is a number there.
  let isText: Bool

  init(_ value: Value, place: String) {
    self.value = value
    self.place = place
    isText = false
  }

  /// The text of a variable or a flag.
  init(text: String, place: String) {
    value = .string(text)
    self.place = place
    isText = true
  }

  /// What a message shows: short, on one line, of objects and arrays their kind alone.
  var shown: String {
    switch value {
    case .object: "an object"
    case .array: "an array"
    case .string(let text): "\"\(Self.printable(text))\""
    case .number(let text): Self.printable(text)
    case .bool(let value): "\(value)"
    case .null: "null"
    }
  }

  static func printable(_ text: String) -> String {
    var result = ""
    for character in text.prefix(80) {
      let isControl = character.unicodeScalars.contains { $0.properties.generalCategory == .control }
      result += isControl ? "?" : String(character)
    }
    return result + (text.count > 80 ? "…" : "")
  }

  /// Puts a value at a key path, over or beside what is there. Names are compared without case, as Azure does.
  mutating func set(_ path: ArraySlice<String>, to setting: Setting) {
    guard let name = path.first else {
      self = setting
      return
    }
    var members: [Member]
    switch value {
    case .object(let own): members = own
    // `functions__1=bill` replaces one element.
    case .array(let elements): members = elements.enumerated().map { Member(name: "\($0.offset)", setting: $0.element) }
    default: members = []
    }
    if let index = members.firstIndex(where: { $0.name.lowercased() == name.lowercased() }) {
      members[index].setting.set(path.dropFirst(), to: setting)
    } else {
      var new = Setting(.object([]), place: setting.place)
      new.set(path.dropFirst(), to: setting)
      members.append(Member(name: name, setting: new))
    }
    value = .object(members)
  }
}
