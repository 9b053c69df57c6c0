import Foundation
import Martlet
import Testing

@testable import MartletBench

/// What a wrong run leaves must be found.
@Suite struct HubVerificationTests {
  /// A hub with so many events, and a look at it that expects others.
  private func verify(
    _ scenario: Scenario = .hubPublish, sent: Int, expected: Int, swapped: Bool = false, position: EventOffset? = nil
  ) async throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "hub-verification-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var arguments = try Arguments([scenario.rawValue, "--partitions", "1"])
    (arguments.input, arguments.output) = ("in", "out")
    let target = try Target("embedded:\(folder)")
    let hubs = try await BenchmarkHubs(target, arguments)
    try await hubs.create()
    try await hubs.fill(messages: sent)
    if swapped { try await hubs.fill(messages: 1) }
    if let position {
      let store = try #require(hubs.log as? any Store)
      let partition = GroupPartition(group: ConsumerGroup(hub: "in", name: HubWorkload.group), number: 0)
      try await store.move(partition, to: PartitionPosition(checkpoint: position, sequenceNumber: Int64(position.low)))
    }
    let verification = HubVerification(arguments, target, messages: expected)
    let result: Result<Void, any Error>
    do { result = .success(try await verification.verify(.martlet, hubs.log)) } catch { result = .failure(error) }
    await hubs.close()
    try result.get()
  }

  @Test func whatIsRightPasses() async throws {
    try await verify(sent: 130, expected: 130)
    try await verify(.hubConsume, sent: 130, expected: 130, position: EventOffset(low: 129))
  }

  @Test func aMissingEventIsFound() async {
    await #expect(throws: BenchmarkFailure.self) { try await verify(sent: 129, expected: 130) }
  }

  @Test func aRepeatedEventIsFound() async {
    await #expect(throws: BenchmarkFailure.self) { try await verify(sent: 130, expected: 130, swapped: true) }
  }

  @Test func anEventOutOfItsPlaceIsFound() async {
    // The first event of the first key comes once more, where its second one is expected.
    await #expect(throws: BenchmarkFailure.self) { try await verify(sent: 64, expected: 65, swapped: true) }
  }

  @Test func aPositionBeforeTheEndIsFound() async {
    await #expect(throws: BenchmarkFailure.self) {
      try await verify(.hubConsume, sent: 130, expected: 130, position: EventOffset(low: 128))
    }
    await #expect(throws: BenchmarkFailure.self) { try await verify(.hubConsume, sent: 130, expected: 130) }
  }

  @Test func eventsHaveTheirPartitions() {
    let counts = HubWorkload.counts(messages: 1000, partitions: 5)
    var expected = [Int](repeating: 0, count: 5)
    for number in 0..<1000 { expected[PartitionChoice.partition(of: HubWorkload.key(number), count: 5)] += 1 }
    #expect(counts == expected)
    #expect(HubWorkload.key(71) == "key-07")
  }
}
