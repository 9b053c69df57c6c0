import Testing

@testable import MartletCore

/// Golden: publishers in other languages use the same rule. The values are those of Python's `zlib.crc32`.
struct PartitionChoiceTests {
  private struct Golden: Sendable {
    let key: String
    let checksum: UInt32
    /// Of 1, 2, 3, 4, 7, 16 and 1024 partitions.
    let partitions: [Int]

    static let all = [
      Golden(key: "", checksum: 0, partitions: [0, 0, 0, 0, 0, 0, 0]),
      Golden(key: "a", checksum: 0xe8b7_be43, partitions: [0, 1, 0, 3, 4, 3, 579]),
      Golden(key: "device-1", checksum: 0xb72f_e279, partitions: [0, 1, 1, 1, 0, 9, 633]),
      Golden(key: "device-2", checksum: 0x2e26_b3c3, partitions: [0, 1, 2, 3, 4, 3, 963]),
      Golden(key: "sensor/7", checksum: 0x8c6e_1864, partitions: [0, 0, 2, 0, 3, 4, 100]),
      Golden(key: "Grüße", checksum: 0xfbd3_7071, partitions: [0, 1, 0, 1, 2, 1, 113]),
      Golden(key: "\u{1F426}", checksum: 0x1f99_bab1, partitions: [0, 1, 1, 1, 5, 1, 689]),
      Golden(key: "customer 7/ü", checksum: 0x72ba_b69a, partitions: [0, 0, 0, 2, 3, 10, 666]),
      Golden(key: String(repeating: "x", count: 300), checksum: 0x1b43_2d13, partitions: [0, 1, 2, 3, 3, 3, 275]),
    ]
  }

  @Test(arguments: Golden.all)
  private func `checksums and partitions of keys`(golden: Golden) {
    #expect(CRC32.checksum(golden.key.utf8) == golden.checksum)
    let partitions = [1, 2, 3, 4, 7, 16, 1024].map { PartitionChoice.partition(of: golden.key, count: $0) }
    #expect(partitions == golden.partitions)
  }

  /// The check value of every description of CRC-32 (ISO-HDLC).
  @Test func `the check value`() { #expect(CRC32.checksum("123456789".utf8) == 0xcbf4_3926) }

  private func event(key: String? = nil, partition: Int? = nil) -> OutgoingMessage {
    var event = OutgoingMessage(to: .hub("readings"), body: Bytes(), id: "e", key: key)
    event.partition = partition
    return event
  }

  @Test func `a named partition goes before the key, and the key before the turn`() throws {
    var choice = PartitionChoice(partitionCount: 16, next: 14)
    #expect(try choice.partition(for: event(key: "a", partition: 5)) == 5)
    #expect(try choice.partition(for: event(key: "a")) == 3)
    #expect(try (0..<4).map { _ in try choice.partition(for: event()) } == [14, 15, 0, 1])
  }

  @Test func `the round begins anywhere`() throws {
    var choice = PartitionChoice(partitionCount: 3, next: 7)
    #expect(try (0..<4).map { _ in try choice.partition(for: event()) } == [1, 2, 0, 1])
  }

  @Test(arguments: [-1, 4, Int.max])
  func `a partition that is not there is refused`(number: Int) throws {
    var choice = PartitionChoice(partitionCount: 4)
    let error = #expect(throws: BrokerError.self) { try choice.partition(for: event(partition: number)) }
    #expect(error?.code == .configuration && error?.isRetriable == false)
    #expect(error?.message == "hub:readings has the partitions 0 to 3; there is no partition \(number)")
  }
}
