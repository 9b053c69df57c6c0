import MartletCore
import Testing

@testable import MartletRabbitMQ

@Suite struct StoreMarkerTests {
  private static let uuid = "0123456789abcdef0123456789abcdef"
  private static let other = "ffffffffffffffffffffffffffffffff"

  @Test func longNamesAreReplacedByTheirDigest() {
    let hub = String(repeating: "h", count: 150)
    let fits = ConsumerGroup(hub: hub, name: String(repeating: "g", count: 49))
    #expect(StoreMarker.exchange(of: fits) == "\(fits).store")
    let long = ConsumerGroup(hub: hub, name: String(repeating: "g", count: 50))
    #expect(StoreMarker.exchange(of: long) == MessageIdentifier.digest(of: long.description.utf8) + ".store")
  }

  @Test(arguments: [
    (
      "exchange 'r/g.store' exists with other arguments: 'alternate-exchange' is 'martlet.store.\(uuid)' on the broker, "
        + "Martlet asks for 'martlet.store.'; use another name", uuid
    ),
    ("received 'martlet.store.' but current is 'martlet.store.\(uuid)'", uuid),
    ("received 'martlet.store.' but current is 'martlet.store.0123...", nil),
    ("received 'martlet.store.' but current is none", nil),
  ])
  func theStoreIsReadOutOfARefusal(text: String, uuid: String?) { #expect(StoreMarker.uuid(in: text) == uuid) }

  @Test func aRefusalNamesEverythingThatIsNeeded() {
    let group = ConsumerGroup(hub: "readings", name: "detect")
    let store = StoreIdentity(uuid: Self.other, place: "embedded:/data/martlet.db on web-2")
    let lasting = StoreBinding(uuid: Self.uuid, isVolatile: false).refusal(of: store, for: group)
    #expect(lasting.code == .conflict)
    for part in [
      "'readings'", "'detect'", Self.uuid, Self.other, "/data/martlet.db on web-2", "MARTLET_STORE", "release",
    ] {
      #expect(lasting.message.contains(part))
    }
    let volatile = StoreBinding(uuid: Self.uuid, isVolatile: true).refusal(of: store, for: group)
    #expect(volatile.message.contains("in the memory of a process"))
    #expect(!volatile.message.contains("release"))
    #expect(StoreBinding(uuid: nil, isVolatile: false).refusal(of: store, for: group).message.contains("another store"))
  }
}
