import MartletCore

/// The keys of an event hub. A partition's stream has the partition's name, and its helpers share its hash slot through
/// the braces; what concerns all partitions has the hub's slot.
struct HubKeys: Sendable {
  let hub: String

  init(_ hub: String) { self.hub = hub }

  /// What the hub is like.
  var description: String { "{\(hub)}:hub" }
  /// The groups that ever claimed a partition, each with the highest one.
  var groups: String { "{\(hub)}:groups" }
  func stream(_ partition: Int) -> String { "\(hub):\(partition)" }
  /// How many bytes the partition holds, counted by the last trim.
  func size(_ partition: Int) -> String { "{\(hub):\(partition)}:size" }

  func partition(_ number: Int) -> [String] { [stream(number), size(number)] }
}

/// The keys of a consumer group of a hub.
struct GroupKeys: Sendable {
  let group: ConsumerGroup

  init(_ group: ConsumerGroup) { self.group = group }

  /// Who was heard of, and when.
  var members: String { "{\(group.hub)}:\(group.name):members" }
  /// Owner, epoch and position.
  func record(_ partition: Int) -> String { "{\(group.hub):\(partition)}:\(group.name):record" }
  /// What the group keeps for keys.
  func values(_ partition: Int) -> String { "{\(group.hub):\(partition)}:\(group.name):values" }

  func partition(_ number: Int) -> [String] { [record(number), values(number)] }
}

/// What concerns a whole database of Redis.
enum StoreKeys {
  /// The uuid of the store. No hub or queue has a helper of this name.
  static let identity = "{martlet}:store"
}
