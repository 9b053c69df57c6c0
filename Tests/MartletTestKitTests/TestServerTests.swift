import MartletTestKit
import TestServers
import Testing

@Suite(.enabled(if: TestServer.Kind.redis.isInstalled)) struct TestServerTests {
  @Test func keepsItsDataThroughAKill() async throws {
    let server = try await TestServer(.redis)
    let client = try client(of: server)
    #expect(client.ask("SET a kept\r\n", replyLength: 5) == "+OK\r\n")
    try await server.kill()
    #expect(client.hears(1) == nil)
    try await server.start()
    #expect(try self.client(of: server).ask("GET a\r\n", replyLength: 10) == "$4\r\nkept\r\n")
  }

  @Test func pausesAndResumes() async throws {
    let server = try await TestServer(.redis)
    let client = try client(of: server)
    try await server.pause()
    client.say("PING\r\n")
    #expect(client.hearsNothing(for: 200))
    try await server.resume()
    #expect(client.hears(7) == "+PONG\r\n")
    try await server.stop()
    #expect(client.hears(1) == nil)
  }

  @Test func saysWhatIsWrong() async throws {
    let server = try await TestServer(.redis)
    await #expect(throws: ConformanceFailure.self) { try await server.start() }
    try await server.restart()
  }

  private func client(of server: TestServer) throws -> TestClient {
    let port = server.url.split(separator: ":").last.flatMap { UInt16($0) }
    return try TestClient(port: try #require(port))
  }
}
