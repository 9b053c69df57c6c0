import MartletCore
import Testing

@testable import MartletRabbitMQ

@Suite struct HubLayoutTests {
  @Test func namesAndArgumentsNeverChange() {
    let partition = HubPartition(hub: "readings", number: 3)
    #expect(HubLayout.stream(of: partition) == "readings:3")
    #expect(HubLayout.exchange(of: "readings") == "readings.hub")
    #expect(HubLayout.marker(16) == [Header("alternate-exchange", "martlet.partitions.16")])
    #expect(HubLayout.arguments(HubRetention()) == [Header("x-queue-type", "stream")])
    #expect(
      HubLayout.arguments(HubRetention(age: .seconds(3600), bytes: 40 << 20)) == [
        Header("x-queue-type", "stream"), Header("x-max-age", "3600s"), Header("x-max-length-bytes", 41_943_040),
        Header("x-stream-max-segment-size-bytes", 10_485_760),
      ])
  }

  @Test(arguments: [
    ("exchange 'r.hub' exists with other arguments: 'alternate-exchange' is 'martlet.partitions.16' on the broker", 16),
    ("received 'martlet.partitions.unknown' but current is 'martlet.partitions.4'", 4),
    ("received 'martlet.partitions.unknown' but current is none", nil),
  ])
  func theCountIsReadOutOfARefusal(text: String, count: Int?) {
    #expect(HubLayout.partitionCount(in: text) == count)
  }
}
