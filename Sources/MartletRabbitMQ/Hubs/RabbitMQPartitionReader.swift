import MartletCore

/// One reader of one partition: the side that other threads see. The work is `StreamReader`'s.
final class RabbitMQPartitionReader: PartitionReader {
  private let id: Int
  private let streams: Mailbox<LoopCommand<StreamHub.Command>>

  init(id: Int, streams: Mailbox<LoopCommand<StreamHub.Command>>) { (self.id, self.streams) = (id, streams) }

  func grant(_ count: Int) { if count > 0 { streams.send(.role(.grant(id, count))) } }

  func close() async {
    await Latch.wait(until: .now + .seconds(10)) { done in
      if !streams.send(.role(.close(id, answer: done))) { done() }
    }
  }
}
