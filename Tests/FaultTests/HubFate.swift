import Martlet

/// What shall become of an event of the chain: a few of each kind, in all keys.
enum HubFate: CaseIterable {
  case arrives
  /// The first function cannot decode it.
  case undecodable
  /// The first function sets it aside.
  case rejectedByOne
  /// What the first function makes of it cannot be decoded by the second one.
  case spoiled
  /// The second function sets it aside.
  case rejectedByTwo

  /// - Parameter number: the event's.
  init(_ number: Int) {
    // A prime, so that no key has all of a kind.
    self =
      switch number % 83 {
      case 11: .undecodable
      case 23: .rejectedByOne
      case 37: .spoiled
      case 59: .rejectedByTwo
      default: .arrives
      }
  }

  /// The body that makes it so.
  func body(_ id: String) -> Bytes {
    switch self {
    case .arrives: Bytes(id)
    case .undecodable: Bytes([0xff] + Array(id.utf8))
    case .rejectedByOne: Bytes("\(id) one")
    case .spoiled: Bytes("\(id) mid")
    case .rejectedByTwo: Bytes("\(id) two")
    }
  }
}
