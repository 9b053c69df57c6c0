import Testing

@testable import MartletBench

@Suite struct TargetTests {
  @Test func redisIsTakenApart() throws {
    let target = try Target("redis://:s%40crit@example:7000")
    #expect(target.system == .redis)
    #expect(target.host == "example")
    #expect(target.port == 7000)
    #expect(target.user == nil)
    #expect(target.password == "s@crit")
  }

  @Test func rabbitMQIsTakenApart() throws {
    let target = try Target("amqp://me:secret@[::1]/my%2Fhost")
    #expect(target.system == .rabbitmq)
    #expect(target.host == "::1")
    #expect(target.port == 5672)
    #expect(target.user == "me")
    #expect(target.password == "secret")
    #expect(target.space == "my/host")
    #expect(try Target("amqp://localhost").space == "/")
  }

  @Test func eachSideOfTheEmbeddedBrokerHasItsFile() throws {
    let target = try Target("embedded:/data/store")
    let (martlet, baseline) = (target.target(of: .martlet), target.target(of: .baseline))
    #expect(martlet.url == "embedded:\(martlet.space)")
    #expect(Set([target.space, martlet.space, baseline.space]).count == 3)
  }

  @Test(arguments: [
    ("embedded:", "must have a file"), ("rediss://a", "without TLS"), ("http://a", "not known"),
    ("redis://a/3", "database 0"), ("redis:a", "no host"),
  ])
  func whatCannotBeMeasuredIsSaid(url: String, expected: String) {
    let error = #expect(throws: UsageError.self) { try Target(url) }
    #expect(error?.description.contains(expected) == true)
  }
}
