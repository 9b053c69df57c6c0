import Foundation
import MartletCore
import MartletRabbitMQ
import MartletTestKit
import TestServers
import Testing

/// A network that carries nothing, and closes nothing either.
@Suite struct SilenceTests {
  @Test func aSilentConnectionIsGivenUpAndMadeAgain() async throws {
    let url = try await SharedServer.rabbitMQURL()
    let port = try #require(URL(string: url)?.port.flatMap { UInt16(exactly: $0) })
    let proxy = try TCPProxy(to: "127.0.0.1", port: port)
    let lab = try await Lab.open(at: url.replacing(":\(port)", with: ":\(proxy.port)"))
    let inbox = Inbox()
    let consumer = try await lab.consume(inbox)
    try await lab.broker.publish((0..<3).map { lab.message("\($0)", id: "m\($0)") })
    let held = try await inbox.next(3)
    proxy.set(.stall)
    try await lab.log.wait(for: "has been silent for")
    // It may have been another connection that was given up first.
    try await inbox.wait("the loss of the one that reads") { $0.revokedBefore > held[0].receipt.generation }
    proxy.set(.forward)
    // They come again, one by one, since nobody knows what became of them.
    var ids: Set<String> = []
    for _ in 0..<3 {
      let again = try await inbox.next()
      #expect(again.receipt.generation > held[0].receipt.generation)
      ids.insert(again.message.id)
      #expect(await consumer.complete([again]).isApplied)
    }
    #expect(ids == ["m0", "m1", "m2"])
    try await lab.wait("the input done") { $0.ready == 0 && $0.unsettled == 0 }
    await lab.close()
    proxy.close()
  }
}
