import MartletCore

/// How the members of a consumer group share its partitions: each has the floor or the ceiling of the average, keeps
/// what it has where it can, and gives up the rest by itself. A state machine without I/O; `HubRunner` does what it
/// answers.
struct GroupBalance: Sendable {
  /// What a member does next.
  enum Action: Sendable, Hashable {
    /// Take a partition, if its epoch still is this one.
    case claim(Int, expecting: UInt64, afterDeath: Bool)
    /// Finish, commit and release a partition: others have too little.
    case shed(Int)
    /// Give a partition up at once: somebody else owns it.
    case drop(Int)
    /// Give a partition up at once: the store no longer knows what this process owns.
    case forgotten(Int)
  }

  /// A partition that this process holds.
  struct Holding: Sendable, Hashable {
    let epoch: UInt64
    /// It is being given up.
    var isLeaving = false
    /// It was held before the look began, so what was read of it cannot be older.
    var isOlderThanLook = false
  }

  /// What the store said in one look.
  struct View: Sendable {
    let records: [PartitionRecord]
    let members: [GroupMember]
    /// When the look began,
    let began: MonotonicTime
    /// when the heartbeat left,
    let attended: MonotonicTime
    /// and when the last answer was there.
    let ended: MonotonicTime
  }

  /// What a member is called while it leaves: it lives and finishes what it has, and gets no share any more.
  static func leaving(_ member: String) -> String { member + leavingMark }
  private static let leavingMark = "~leaving"

  let member: String
  private let expiration: Duration
  private let handOverTimeout: Duration
  /// When the last heartbeat left that the store has taken.
  private(set) var lastAttended: MonotonicTime?
  private var starvingSince: MonotonicTime?
  private var isStoreAway = false
  /// After an outage of the store the silence of others means nothing until then.
  private var quietUntil = MonotonicTime(nanoseconds: 0)
  /// Owners that the list of members did not have, by partition: once may be chance.
  private var strangers: [Int: String] = [:]

  init(member: String, expiration: Duration, handOverTimeout: Duration) {
    self.member = member
    self.expiration = expiration
    self.handOverTimeout = handOverTimeout
  }

  /// The store did not answer.
  mutating func failed() { isStoreAway = true }

  /// Whether the others may believe that this member is dead: two thirds of the expiration passed without a heartbeat,
  /// by its own clock. Then it stops, and commits nothing.
  func mustStop(now: MonotonicTime) -> Bool {
    guard let lastAttended else { return false }
    return lastAttended + expiration * 2 / 3 <= now
  }

  /// What to do after a look at the store.
  /// - Parameters:
  ///   - held: the partitions that this process holds, or held when the look began.
  ///   - generator: mixes the claims, so that members that look at the same time rarely want the same.
  mutating func actions(
    after view: View, held: [Int: Holding], using generator: inout some RandomNumberGenerator
  ) -> [Action] {
    noteOutage(view)
    lastAttended = view.attended
    let known = Self.names(view.members)
    let heard = Self.names(view.members.filter { $0.silence < expiration })
    let alive = heard.staying.union(heard.leaving)
    // Who leaves is silent under its own name from then on.
    let sharing = heard.staying.subtracting(heard.leaving).union([member])
    let mayBury = quietUntil <= view.ended
    let strangers = self.strangers
    self.strangers = [:]
    var drops: [Int: Action] = [:]
    var counts: [String: Int] = Dictionary(uniqueKeysWithValues: sharing.map { ($0, 0) })
    var mine: [Action] = []
    var free: [Action] = []
    var taken: [String: [PartitionRecord]] = [:]
    for record in view.records {
      let number = record.partition
      if let holding = held[number], record.owner != member || record.epoch != holding.epoch {
        // A record that is older than the holding was read before the claim; or what the store knew was deleted.
        if record.epoch >= holding.epoch {
          drops[number] = .drop(number)
        } else if holding.isOlderThanLook {
          drops[number] = .forgotten(number)
        }
      }
      guard let owner = record.owner else {
        // What is given up now can be claimed when that is done.
        if drops[number] == nil { free.append(.claim(number, expecting: record.epoch, afterDeath: false)) }
        continue
      }
      if owner == member {
        counts[member, default: 0] += 1
        if held[number] == nil { mine.append(.claim(number, expecting: record.epoch, afterDeath: false)) }
      } else if sharing.contains(owner) {
        counts[owner, default: 0] += 1
        taken[owner, default: []].append(record)
      } else if !alive.contains(owner) {
        let isKnown = known.staying.contains(owner) || known.leaving.contains(owner)
        if !isKnown { self.strangers[number] = owner }
        guard mayBury, isKnown || strangers[number] == owner else {
          // Who is not buried yet still has it.
          continue
        }
        free.append(.claim(number, expecting: record.epoch, afterDeath: true))
      }
    }
    let allowed = Self.shares(of: counts, partitions: view.records.count)
    let share = allowed[member] ?? 0
    let staying = held.filter { !$0.value.isLeaving }.keys.filter { drops[$0] == nil }.sorted()
    let gone = drops.sorted { $0.key < $1.key }.map(\.value)
    if staying.count > share {
      return gone + staying.suffix(staying.count - share).map { .shed($0) }
    }
    let wanted = share - staying.count
    let claims = (mine.shuffled(using: &generator) + free.shuffled(using: &generator)).prefix(wanted)
    let force = takeByForce(wanted - claims.count, taken, counts, allowed, mayBury: mayBury, now: view.ended)
    return gone + claims + force
  }

  /// Those that want a share, and those that leave.
  private static func names(_ members: [GroupMember]) -> (staying: Set<String>, leaving: Set<String>) {
    members.reduce(into: ([], [])) { names, member in
      if member.id.hasSuffix(leavingMark) {
        names.leaving.insert(String(member.id.dropLast(leavingMark.count)))
      } else {
        names.staying.insert(member.id)
      }
    }
  }

  /// Who may have how many: the average, rounded down; the rest goes to those that have most, so that nothing moves
  /// without need. All members come to the same answer.
  private static func shares(of counts: [String: Int], partitions: Int) -> [String: Int] {
    let (floor, rest) = partitions.quotientAndRemainder(dividingBy: max(1, counts.count))
    let order = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    return Dictionary(
      uniqueKeysWithValues: order.enumerated().map { ($0.element.key, $0.offset < rest ? floor + 1 : floor) })
  }

  /// A member that waits too long for its share takes a partition of the one that has most beyond its own.
  private mutating func takeByForce(
    _ missing: Int, _ taken: [String: [PartitionRecord]], _ counts: [String: Int], _ allowed: [String: Int],
    mayBury: Bool, now: MonotonicTime
  ) -> [Action] {
    let rich = counts.filter { $0.key != member && $0.value > (allowed[$0.key] ?? 0) }
    guard missing > 0, let richest = rich.max(by: { ($0.value, $0.key) < ($1.value, $1.key) }) else {
      starvingSince = nil
      return []
    }
    let since = starvingSince ?? now
    starvingSince = since
    guard mayBury, since + handOverTimeout <= now, let victim = taken[richest.key]?.last else { return [] }
    return [.claim(victim.partition, expecting: victim.epoch, afterDeath: false)]
  }

  /// A look that took long, or came after one that failed, tells of an outage: the others could not heartbeat either.
  private mutating func noteOutage(_ view: View) {
    if isStoreAway || view.began + expiration / 3 <= view.ended { quietUntil = view.ended + expiration }
    isStoreAway = false
  }
}
