import Foundation
import MartletCore
import MartletRedis
import Testing

@Suite struct TrimTests {
  @Test func bytesAreCountedOverManyCalls() async throws {
    let lab = try await HubLab.open(retention: HubRetention(bytes: 100_000))
    // More than one call of the script may look at, and fewer than make publishers trim by themselves.
    try await lab.broker.publish((0..<9_000).map { lab.event(String(repeating: "x", count: 50), id: "e\($0)") })
    #expect(try await lab.broker.trim(lab.partition()) == 7_000)
    #expect(try await lab.broker.bounds(of: lab.hub)[0].count == 2_000)
    #expect(try await lab.broker.trim(lab.partition()) == 0)
    try await lab.broker.publish((0..<10).map { _ in lab.event(String(repeating: "x", count: 50)) })
    #expect(try await lab.broker.trim(lab.partition()) == 10)
    // A header counts with its name.
    var event = lab.event(String(repeating: "x", count: 45))
    event.headers = ["name!": "five."]
    try await lab.broker.publish([event])
    #expect(try await lab.broker.trim(lab.partition()) == 2)
    await lab.close()
  }

  @Test func whatOthersRemovedIsCountedAnew() async throws {
    let lab = try await HubLab.open(retention: HubRetention(bytes: 1_000))
    let body = String(repeating: "x", count: 100)
    try await lab.broker.publish((0..<20).map { _ in lab.event(body) })
    #expect(try await lab.broker.trim(lab.partition()) == 10)
    try lab.redis("XTRIM", lab.partition().description, "MAXLEN", "4")
    try await lab.broker.publish((0..<7).map { _ in lab.event(body) })
    #expect(try await lab.broker.trim(lab.partition()) == 1)
    try lab.redis("DEL", lab.partition().description)
    #expect(try await lab.broker.trim(lab.partition()) == 0)
    try await lab.broker.publish((0..<12).map { _ in lab.event(body) })
    #expect(try await lab.broker.trim(lab.partition()) == 2)
    await lab.close()
  }

  @Test func theNewestStaysHoweverLargeItIs() async throws {
    let lab = try await HubLab.open(retention: HubRetention(bytes: 10))
    try await lab.broker.publish((0..<3).map { lab.event(String(repeating: "x", count: 100), id: "e\($0)") })
    #expect(try await lab.broker.trim(lab.partition()) == 2)
    #expect(try await lab.broker.bounds(of: lab.hub)[0].count == 1)
    await lab.close()
  }

  @Test func everyLimitHolds() async throws {
    let lab = try await HubLab.open(retention: HubRetention(age: .seconds(3600), bytes: 10_000, count: 5))
    try lab.redis("XADD", lab.partition().description, "1000-0", "id", "old", "body", "x")
    #expect(try await lab.broker.trim(lab.partition()) == 1)
    try await lab.publish(0..<20)
    #expect(try await lab.broker.trim(lab.partition()) == 15)
    try await lab.broker.publish([lab.event(String(repeating: "x", count: 9_996))])
    #expect(try await lab.broker.trim(lab.partition()) == 3)
    #expect(try await lab.broker.bounds(of: lab.hub)[0].count == 3)
    await lab.close()
  }
}
