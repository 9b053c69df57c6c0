import MartletCore
import MartletRedis
import TestServers
import Testing

/// Which store a Redis is, for brokers that bind groups to one.
@Suite struct IdentityTests {
  private static func identity(_ url: String) async throws -> StoreIdentity {
    let broker = try RedisBroker(url: url, environment: BrokerEnvironment(app: "tests"))
    let identity: StoreIdentity
    do { identity = try await broker.identity() } catch {
      await broker.close(deadline: .now)
      throw error
    }
    await broker.close(deadline: .now + .seconds(5))
    return identity
  }

  @Test func itIsKeptUnderOneKeyInEachDatabase() async throws {
    let server = try await TestServer(.redis, isSafeFromKills: true)
    let redis = RedisCommand(url: server.url)
    let first = try await Self.identity(server.url)
    #expect(first.uuid.count == 32 && !first.isVolatile)
    #expect(try redis("GET", "{martlet}:store").contains(first.uuid))
    #expect(try await Self.identity(server.url + "/0") == first)
    let other = try await Self.identity(server.url.replacing("redis://", with: "redis://default@") + "/1")
    #expect(other.uuid != first.uuid)
    #expect(other.place.hasSuffix("/1"))
    try await server.restart()
    #expect(try await Self.identity(server.url) == first)
    try redis("FLUSHALL")
    #expect(try await Self.identity(server.url).uuid != first.uuid)
  }

  @Test func aKeyOfSomebodyElseIsNamed() async throws {
    let server = try await TestServer(.redis, isSafeFromKills: true)
    try RedisCommand(url: server.url)("LPUSH", "{martlet}:store", "mine")
    let error = await #expect(throws: BrokerError.self) { _ = try await Self.identity(server.url) }
    #expect(error?.code == .conflict)
  }
}
