import MartletCore
import Testing

@testable import MartletEmbedded

/// Ids that are remembered, by a clock of the test's own.
@Suite struct StoreRememberingTests {
  private let store: Store

  init() throws { store = try StoreOpening.open(EmbeddedLocation(path: nil), now: 0) }

  private var count: Int64 {
    get throws { try store.database.first("SELECT count(*) FROM remembered") { $0.integer(0) } ?? -1 }
  }

  @Test func anIDIsRememberedUntilItsWindowIsOver() throws {
    try store.begin(isDurable: false)
    try store.remember("a", in: "q", for: .seconds(1), now: 1000)
    #expect(try store.isRemembered("a", in: "q", now: 1999))
    #expect(try !store.isRemembered("a", in: "q", now: 2000))
    #expect(try !store.isRemembered("a", in: "r", now: 1000))
    #expect(try !store.isRemembered("b", in: "q", now: 1000))
    try store.remember("a", in: "q", for: .seconds(1), now: 2000)
    #expect(try store.isRemembered("a", in: "q", now: 2999))
    _ = try store.commit()
  }

  @Test func whatIsOldIsRemovedAsNewOnesCome() throws {
    try store.begin(isDurable: false)
    // Ten a millisecond, for ten windows.
    for now in Int64(0)..<1000 {
      for number in 0..<10 { try store.remember("m\(now).\(number)", in: "q", for: .milliseconds(100), now: now) }
      try store.forgetRemembered(added: 10, now: now)
      #expect(try count <= 1000)
    }
    // A flood of old ones goes bit by bit.
    for turn in Int64(1)...20 {
      let before = try count
      try store.forgetRemembered(added: 1, now: 5000)
      #expect(try count == max(0, before - 102), "turn \(turn)")
    }
    #expect(try count == 0)
    _ = try store.commit()
  }
}
