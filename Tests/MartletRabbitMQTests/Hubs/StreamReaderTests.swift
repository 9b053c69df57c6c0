import MartletCore
import Testing

@testable import MartletRabbitMQ
@testable import MartletTestKit

/// What a reader makes of a stream that does not deliver the event of its position.
@Suite struct StreamReaderTests {
  private typealias Entry = TopologyChannel.StreamEntry

  /// A reader that has subscribed behind offset 100 and waits.
  private struct Waiting {
    let inbox = EventInbox()
    let hub: StreamHub
    let reader: StreamReader

    init() throws {
      let url = try ConnectionURL("amqp://localhost")
      let topology = Topology(url: url, identity: ClientIdentity(connectionName: "test", heartbeat: .seconds(10)))
      hub = StreamHub(environment: BrokerEnvironment(app: "test"), topology: topology, mailbox: Mailbox())
      let position = PartitionPosition(checkpoint: EventOffset(low: 100), sequenceNumber: 100, eventID: "e")
      reader = StreamReader(
        1, HubPartition(hub: "h", number: 0), position, "see", inbox, hub: hub, firstAnswer: {})
      reader.state = .opening
      reader.subscribed(.now)
    }

    func look(_ result: Result<Entry?, BrokerError>) -> ContinuousClock.Instant? {
      let now = ContinuousClock.now
      reader.looked(0, result, nil, now)
      return reader.lookAt
    }
  }

  @Test func silenceTellsNothing() throws {
    let waiting = try Waiting()
    var next = ContinuousClock.now
    for _ in 0..<20 {
      let again = try #require(waiting.look(.success(nil)))
      #expect(again > next)
      next = again
    }
    #expect(next < .now + .seconds(30))
    _ = waiting.look(.failure(.closedBroker))
    #expect(waiting.inbox.state.value.loss == nil)
  }

  @Test func looksHaveToAgreeThatTheStreamIsShorter() throws {
    let waiting = try Waiting()
    let short = Result<Entry?, BrokerError>.success(Entry(offset: 7, id: "x"))
    let others: [Result<Entry?, BrokerError>] = [
      .success(nil), .failure(.closedBroker), .success(Entry(offset: 100, id: "e")),
    ]
    for other in others {
      _ = waiting.look(short)
      _ = waiting.look(short)
      _ = waiting.look(other)
    }
    #expect(waiting.inbox.state.value.loss == nil)
    _ = waiting.look(short)
    _ = waiting.look(short)
    #expect(waiting.inbox.state.value.loss == nil)
    #expect(waiting.look(short) == nil)
    #expect(waiting.inbox.state.value.loss == .recreated)
  }
}
