import Martlet

/// Which line of which run a message comes from. Every message of the chain carries it, so that the summary can drop
/// what it has seen before, and what an earlier run has left on the broker.
struct Origin: Codable, Hashable {
  /// Later runs have greater ids.
  let run: String
  /// The position in the file, from 1, counted on through repetitions.
  let line: Int
  /// How often a message on the way was delivered again, because the process that had it died.
  var redeliveries = 0
}

protocol FromLine {
  var origin: Origin { get }
}

extension Incoming where Body: FromLine {
  /// The origin, with this message's own redeliveries added.
  var origin: Origin {
    var origin = body.origin
    origin.redeliveries += attempt - 1
    return origin
  }
}
