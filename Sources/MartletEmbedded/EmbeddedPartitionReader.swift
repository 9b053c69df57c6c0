import MartletCore

/// A reader's handle: everything happens on the connection thread.
final class EmbeddedPartitionReader: PartitionReader {
  private let id: Int
  private let inbox: Mailbox<Request>

  init(id: Int, inbox: Mailbox<Request>) {
    self.id = id
    self.inbox = inbox
  }

  func grant(_ count: Int) { inbox.send(.grant(reader: id, count: count)) }

  func close() async {
    await withCheckedContinuation { continuation in
      let isSent = inbox.send(.closeReader(id) { continuation.resume() })
      if !isSent { continuation.resume() }
    }
  }
}
