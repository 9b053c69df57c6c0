import Dispatch
import MartletCore
import TestServers
import Testing

@testable import MartletRabbitMQ
@testable import MartletTestKit

@Suite struct TopologyTests {
  /// A partition without a position asks one short question before it is read.
  @Test func aQuestionDoesNotWaitForLooksIntoStreams() async throws {
    let topology = Topology(
      url: try ConnectionURL(try await SharedServer.rabbitMQURL()),
      identity: ClientIdentity(connectionName: "test", heartbeat: .seconds(10)))
    topology.start()
    let order = Observed<[String]>([])
    // It holds the thread of the topology, which may wait.
    let everybodyIsThere = DispatchSemaphore(value: 0)
    for number in 0..<3 {
      topology.perform(
        as: .look,
        { _ throws(BrokerError) in
          if number == 0 { _ = everybodyIsThere.wait(timeout: .now() + 30) }
          order.update { $0.append("look \(number)") }
        }, completion: { _ in })
    }
    for number in 0..<2 {
      topology.perform(
        { _ throws(BrokerError) in order.update { $0.append("question \(number)") } }, completion: { _ in })
    }
    everybodyIsThere.signal()
    let all = await order.wait(until: .now + .seconds(60)) { $0.count == 5 ? $0 : nil }
    // The questions may have been there before the thread was.
    let expected = ["question 0", "question 1", "look 1", "look 2"]
    #expect(all?.filter { $0 != "look 0" } == expected, "\(order.value)")
    topology.close()
  }
}
