import MartletCore

/// A command, or a script with its keys and arguments.
enum RedisCall: Sendable {
  case command([String])
  case script(any KeyPath<Scripts, Script> & Sendable, keys: [String], [String])

  func write(to buffer: inout RequestBuffer, _ scripts: Scripts) {
    switch self {
    case .command(let words):
      buffer.begin(arguments: words.count)
      for word in words { buffer.append(word) }
    case .script(let script, let keys, let arguments):
      buffer.begin(arguments: 3 + keys.count + arguments.count)
      buffer.append("EVALSHA")
      buffer.append(scripts[keyPath: script].digest ?? "")
      buffer.append(keys.count)
      for text in keys + arguments { buffer.append(text) }
    }
  }
}
