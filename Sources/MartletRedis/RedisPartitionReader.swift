import MartletCore

/// The runtime's handle of a `HubCursor`.
final class RedisPartitionReader: PartitionReader {
  private let mailbox: Mailbox<RedisLoop.Job>
  private let id: Int

  init(id: Int, mailbox: Mailbox<RedisLoop.Job>) {
    self.id = id
    self.mailbox = mailbox
  }

  func grant(_ count: Int) {
    let id = id
    mailbox.send { $0.hubs.cursor(id)?.grant(count) }
  }

  func close() async {
    let id = id
    await withCheckedContinuation { continuation in
      let isTaken = mailbox.send { loop in
        loop.hubs.remove(id)
        continuation.resume()
      }
      if !isTaken { continuation.resume() }
    }
  }
}
