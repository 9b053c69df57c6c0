import Glibc
import Testing

@testable import MartletTestKit

@Suite struct TCPProxyTests {
  @Test func forwardsBothWays() throws {
    let echo = try EchoServer()
    let proxy = try TCPProxy(to: "127.0.0.1", port: echo.port)
    defer { proxy.close() }
    let client = try TestClient(port: proxy.port)
    #expect(client.ask("hello") == "hello")
    let long = String(repeating: "0123456789", count: 100_000)
    #expect(client.ask(long) == long)
  }

  @Test func losesOneDirection() async throws {
    let echo = try EchoServer()
    let proxy = try TCPProxy(to: "127.0.0.1", port: echo.port)
    defer { proxy.close() }
    let client = try TestClient(port: proxy.port)
    #expect(client.ask("a") == "a")
    proxy.set(.dropReplies)
    client.say("lost")
    #expect(await echo.hears("alost"))
    proxy.set(.dropRequests)
    client.say("unheard")
    #expect(client.hearsNothing(for: 200))
    proxy.set(.forward)
    #expect(client.ask("b") == "b")
    #expect(await echo.hears("alostb"))
  }

  @Test func stallsAndGoesOn() throws {
    let echo = try EchoServer()
    let proxy = try TCPProxy(to: "127.0.0.1", port: echo.port)
    defer { proxy.close() }
    let client = try TestClient(port: proxy.port)
    proxy.set(.stall)
    client.say("late")
    #expect(client.hearsNothing(for: 200))
    proxy.set(.forward)
    #expect(client.hears(4) == "late")
  }

  @Test func cutsAndRefuses() throws {
    let echo = try EchoServer()
    let proxy = try TCPProxy(to: "127.0.0.1", port: echo.port)
    defer { proxy.close() }
    let first = try TestClient(port: proxy.port)
    #expect(first.ask("a") == "a")
    proxy.cut()
    #expect(first.hears(1) == nil)
    let second = try TestClient(port: proxy.port)
    #expect(second.ask("b") == "b")
    proxy.set(.refuse)
    #expect(second.hears(1) == nil)
    let third = try TestClient(port: proxy.port)
    #expect(third.hears(1) == nil)
  }
}
