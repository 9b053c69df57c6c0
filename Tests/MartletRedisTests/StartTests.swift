import Foundation
import MartletCore
import MartletRedis
import MartletTestKit
import TestServers
import Testing

@Suite struct StartTests {
  @Test func aRedisThatForgetsIsRefused() async throws {
    let server = try await TestServer(.redis)
    let redis = RedisCommand(url: server.url)
    for (setting, bad, good) in [("appendonly", "no", "yes"), ("maxmemory-policy", "allkeys-lru", "noeviction")] {
      try redis("CONFIG", "SET", setting, bad)
      let broker = try RedisBroker(url: server.url, environment: BrokerEnvironment(app: "tests"))
      do {
        try await broker.start(deadline: .now + .seconds(30))
        Issue.record("a Redis with \(setting) \(bad) was accepted")
      } catch {
        #expect(error.code == .configuration)
        #expect(!error.isRetriable)
        for part in [setting, bad, good] { #expect(error.message.contains(part)) }
      }
      await broker.close(deadline: .now)
      let lenient = try RedisBroker(
        url: server.url, environment: BrokerEnvironment(app: "tests", allowVolatile: true))
      try await lenient.start(deadline: .now + .seconds(30))
      await lenient.close(deadline: .now)
      try redis("CONFIG", "SET", setting, good)
    }
  }

  @Test func aWrongPasswordIsNamedAndNotShown() async throws {
    let server = try await TestServer(.redis)
    try RedisCommand(url: server.url)("CONFIG", "SET", "requirepass", "right")
    let log = LogCollector()
    for url in [server.url, server.url.replacing("redis://", with: "redis://bob:hunter2@")] {
      let broker = try RedisBroker(
        url: url, environment: BrokerEnvironment(app: "tests", logger: Logger(sink: log.sink)))
      do {
        try await broker.start(deadline: .now + .seconds(3))
        Issue.record("a wrong password was accepted")
      } catch {
        #expect(error.code == .authentication)
        #expect(error.isRetriable)
        #expect(!error.message.contains("hunter2"))
      }
      await broker.close(deadline: .now)
    }
    #expect(!log.all.isEmpty)
    #expect(!log.all.joined().contains("hunter2"))
  }

  @Test func nobodyThereIsSaidAtTheDeadline() async throws {
    let log = LogCollector()
    let broker = try RedisBroker(
      url: "redis://127.0.0.1:1", environment: BrokerEnvironment(app: "tests", logger: Logger(sink: log.sink)))
    do {
      try await broker.start(deadline: .now + .seconds(1))
      Issue.record("nobody was there")
    } catch {
      #expect(error.code == .unavailable)
    }
    await broker.close(deadline: .now)
    // One line for the one change of state, though it was tried several times.
    #expect(log.all.count == 1)
  }

  @Test(arguments: [
    "redis://", "redis:///1", "redis://h:0", "redis://h:99999", "redis://h/x", "redis://h/-1", "redis://h/1?a=b",
    "redis://a,b", "rediss://h", "http://h", "h:6379", "redis://u:p@ss@h#f", "",
  ])
  func whatIsNoURLIsRefusedWithoutItsPassword(url: String) {
    do throws(BrokerError) {
      _ = try RedisBroker(url: url, environment: BrokerEnvironment(app: "tests"))
      Issue.record("it was accepted")
    } catch {
      #expect(error.code == .configuration && !error.isRetriable && !error.message.contains("p@ss"))
    }
  }
}
