import MartletCore
import Testing

@testable import MartletRuntime

struct GroupBalanceTests {
  private var generator = SystemRandomNumberGenerator()

  private func balance(_ member: String = "a") -> GroupBalance {
    GroupBalance(member: member, expiration: .seconds(10), handOverTimeout: .seconds(10))
  }

  /// What the store says: the owner of each partition, all of epoch 1, and how long each member was silent.
  private func view(_ owners: [String?], _ members: [String: Double], at seconds: Double, took: Double = 0)
    -> GroupBalance.View
  {
    GroupBalance.View(
      records: owners.enumerated().map { PartitionRecord(partition: $0.offset, owner: $0.element, epoch: 1) },
      members: members.map { GroupMember(id: $0.key, silence: .seconds($0.value)) },
      began: .milliseconds(1000 * (seconds - took)), attended: .milliseconds(1000 * seconds),
      ended: .milliseconds(1000 * seconds))
  }

  private func held(_ partitions: Int...) -> [Int: GroupBalance.Holding] {
    Dictionary(uniqueKeysWithValues: partitions.map { ($0, GroupBalance.Holding(epoch: 1)) })
  }

  private func claims(_ actions: [GroupBalance.Action]) -> [Int] {
    actions.compactMap { if case .claim(let number, _, _) = $0 { number } else { nil } }.sorted()
  }

  @Test mutating func `a member alone takes everything at once`() {
    var balance = balance()
    let actions = balance.actions(after: view([nil, nil, nil], ["a": 0], at: 1), held: [:], using: &generator)
    #expect(claims(actions) == [0, 1, 2])
  }

  @Test mutating func `two members that begin together take their halves`() {
    var balance = balance()
    let owners: [String?] = [nil, nil, nil, nil]
    let actions = balance.actions(after: view(owners, ["a": 0, "b": 0], at: 1), held: [:], using: &generator)
    #expect(claims(actions).count == 2)
  }

  @Test mutating func `whoever has more than its share sheds when another one joins`() {
    var balance = balance()
    let actions = balance.actions(
      after: view(["a", "a", "a", "a"], ["a": 0, "b": 0], at: 1), held: held(0, 1, 2, 3), using: &generator)
    #expect(actions == [.shed(2), .shed(3)])
  }

  @Test mutating func `the rest of the division stays where it is`() {
    var balance = balance()
    let members = ["a": 0.0, "b": 0, "c": 0]
    // Five for three: two, two, one. Nobody moves.
    let owners: [String?] = ["a", "b", "b", "c", "c"]
    #expect(balance.actions(after: view(owners, members, at: 1), held: held(0), using: &generator).isEmpty)
  }

  @Test mutating func `a member that has too much sheds although nobody is below the floor`() {
    var balance = balance()
    let members = ["a": 0.0, "b": 0, "c": 0]
    let owners: [String?] = ["a", "a", "a", "b", "c"]
    let actions = balance.actions(after: view(owners, members, at: 1), held: held(0, 1, 2), using: &generator)
    #expect(actions == [.shed(2)])
  }

  @Test mutating func `what is being shed is not shed twice`() {
    var balance = balance()
    var held = held(0, 1, 2, 3)
    held[3]?.isLeaving = true
    held[2]?.isLeaving = true
    let actions = balance.actions(
      after: view(["a", "a", "a", "a"], ["a": 0, "b": 0], at: 1), held: held, using: &generator)
    #expect(actions.isEmpty)
  }

  @Test mutating func `a member that fell silent is buried after the expiration`() {
    var balance = balance()
    let early = view(["a", "b"], ["a": 0, "b": 9.9], at: 1)
    #expect(balance.actions(after: early, held: held(0), using: &generator).isEmpty)
    let late = view(["a", "b"], ["a": 0, "b": 10], at: 2)
    let actions = balance.actions(after: late, held: held(0), using: &generator)
    #expect(actions == [.claim(1, expecting: 1, afterDeath: true)])
  }

  @Test mutating func `an owner that no member is must be missed twice`() {
    var balance = balance()
    let view1 = view(["a", "x"], ["a": 0], at: 1)
    #expect(balance.actions(after: view1, held: held(0), using: &generator).isEmpty)
    let actions = balance.actions(after: view(["a", "x"], ["a": 0], at: 2), held: held(0), using: &generator)
    #expect(actions == [.claim(1, expecting: 1, afterDeath: true)])
  }

  @Test mutating func `a member that leaves gets no share, and keeps what it finishes`() {
    var balance = balance("b")
    let members = ["a": 1.0, GroupBalance.leaving("a"): 0, "b": 0]
    // What it has released goes to the others at once, though it has not been silent for long.
    let owners: [String?] = ["a", nil, nil, "b"]
    let actions = balance.actions(after: view(owners, members, at: 1), held: held(3), using: &generator)
    #expect(claims(actions) == [1, 2])
    // Nobody takes by force what it still has, and nobody buries it, however long it takes.
    let late = ["a": 60.0, GroupBalance.leaving("a"): 1, "b": 0]
    for seconds in [2.0, 60, 120] {
      let view = view(["a", "b", "b", "b"], late, at: seconds)
      #expect(balance.actions(after: view, held: held(1, 2, 3), using: &generator).isEmpty)
    }
  }

  @Test mutating func `a member that dies while it leaves is buried`() {
    var balance = balance("b")
    let members = ["a": 60.0, GroupBalance.leaving("a"): 10, "b": 0]
    let actions = balance.actions(after: view(["a", "b"], members, at: 1), held: held(1), using: &generator)
    #expect(actions == [.claim(0, expecting: 1, afterDeath: true)])
  }

  @Test mutating func `what was released is nobody's death`() {
    var balance = balance()
    let actions = balance.actions(after: view(["a", nil], ["a": 0], at: 1), held: held(0), using: &generator)
    #expect(actions == [.claim(1, expecting: 1, afterDeath: false)])
  }

  @Test mutating func `its own partition that it does not hold is claimed again`() {
    var balance = balance()
    let actions = balance.actions(after: view(["a"], ["a": 0], at: 1), held: [:], using: &generator)
    #expect(actions == [.claim(0, expecting: 1, afterDeath: false)])
  }

  @Test mutating func `a partition that another one owns is dropped`() {
    var balance = balance()
    let actions = balance.actions(after: view(["b"], ["a": 0, "b": 0], at: 1), held: held(0), using: &generator)
    #expect(actions.contains(.drop(0)))
  }

  @Test mutating func `a partition of a newer epoch is dropped, one that was claimed since is kept`() {
    var balance = balance()
    let newer = [0: GroupBalance.Holding(epoch: 2)]
    #expect(
      balance.actions(after: view([nil], ["a": 0], at: 1), held: newer, using: &generator).contains(.drop(0)) == false)
    let deleted = [0: GroupBalance.Holding(epoch: 2, isOlderThanLook: true)]
    #expect(balance.actions(after: view([nil], ["a": 0], at: 1), held: deleted, using: &generator) == [.forgotten(0)])
    let older = [0: GroupBalance.Holding(epoch: 0)]
    #expect(balance.actions(after: view(["a"], ["a": 0], at: 2), held: older, using: &generator).contains(.drop(0)))
  }

  @Test mutating func `whoever starves too long takes a partition by force`() {
    var balance = balance("b")
    let owners: [String?] = ["a", "a"]
    let members = ["a": 0.0, "b": 0]
    #expect(balance.actions(after: view(owners, members, at: 1), held: [:], using: &generator).isEmpty)
    #expect(balance.actions(after: view(owners, members, at: 10.9), held: [:], using: &generator).isEmpty)
    let actions = balance.actions(after: view(owners, members, at: 11), held: [:], using: &generator)
    #expect(actions == [.claim(1, expecting: 1, afterDeath: false)])
  }

  @Test mutating func `a hunger that was stilled is forgotten`() {
    var balance = balance("b")
    let members = ["a": 0.0, "b": 0]
    _ = balance.actions(after: view(["a", "a"], members, at: 1), held: [:], using: &generator)
    _ = balance.actions(after: view(["a", "b"], members, at: 5), held: held(1), using: &generator)
    #expect(balance.actions(after: view(["a", "a"], members, at: 12), held: [:], using: &generator).isEmpty)
  }

  @Test mutating func `after an outage of the store nobody is buried for one expiration`() {
    var balance = balance()
    balance.failed()
    let members = ["a": 0.0, "b": 60]
    #expect(balance.actions(after: view(["b"], members, at: 1), held: [:], using: &generator).isEmpty)
    #expect(balance.actions(after: view(["b"], members, at: 10.9), held: [:], using: &generator).isEmpty)
    let actions = balance.actions(after: view(["b"], members, at: 11), held: [:], using: &generator)
    #expect(claims(actions) == [0])
  }

  @Test mutating func `a look that took long tells of an outage too`() {
    var balance = balance()
    let members = ["a": 0.0, "b": 60]
    #expect(balance.actions(after: view(["b"], members, at: 5, took: 4), held: [:], using: &generator).isEmpty)
  }

  @Test mutating func `a member that cannot heartbeat stops before others bury it`() {
    var balance = balance()
    #expect(!balance.mustStop(now: .milliseconds(1_000_000)))
    _ = balance.actions(after: view([nil], ["a": 0], at: 1), held: [:], using: &generator)
    #expect(!balance.mustStop(now: .milliseconds(7600)))
    #expect(balance.mustStop(now: .milliseconds(7670)))
  }

  @Test(arguments: [1, 3, 4, 16]) mutating func `members come and go, and each has the floor or the ceiling`(
    partitions: Int
  ) {
    // All members look one after another; what one sheds is free for the next.
    var owners: [String?] = Array(repeating: nil, count: partitions)
    var balances: [String: GroupBalance] = [:]
    var time = 0.0
    for names in [["a"], ["a", "b"], ["a", "b", "c", "d"], ["b", "d"], ["d"]] {
      owners = owners.map { owner in owner.flatMap { names.contains($0) ? $0 : nil } }
      let members = Dictionary(uniqueKeysWithValues: names.map { ($0, 0.0) })
      for _ in 0..<6 {
        for name in names {
          time += 0.1
          var balance = balances[name] ?? self.balance(name)
          let own = owners.indices.filter { owners[$0] == name }
          let held = Dictionary(uniqueKeysWithValues: own.map { ($0, GroupBalance.Holding(epoch: 1)) })
          for action in balance.actions(after: view(owners, members, at: time), held: held, using: &generator) {
            switch action {
            case .claim(let number, _, _):
              #expect(owners[number] == nil)
              owners[number] = name
            case .shed(let number): owners[number] = nil
            case .drop, .forgotten: Issue.record("nothing is lost here")
            }
          }
          balances[name] = balance
        }
      }
      let counts = names.map { name in owners.count { $0 == name } }
      #expect(counts.reduce(0, +) == partitions)
      #expect((counts.max() ?? 0) - (counts.min() ?? 0) <= 1)
    }
  }
}
