import Foundation
import MartletCore

/// Messages on their way, until each one is confirmed or refused. They go in parts: what is written at once is bounded,
/// and after a cut only what has no answer is sent again.
final class Publication {
  private let messages: [OutgoingMessage]
  private var next = 0
  private var open = 0
  private var refused: [Int: BrokerError] = [:]
  private let completion: (CommitResult) -> Void

  private static let mostMessages = 500
  private static let mostBytes = 1 << 20
  private static let mostParts = 4

  init(_ messages: [OutgoingMessage], _ completion: @escaping (CommitResult) -> Void) {
    self.messages = messages
    self.completion = completion
  }

  func begin(on loop: RedisLoop) {
    while open < Self.mostParts, let places = nextPart(limit: loop.environment.maxMessageBytes) {
      open += 1
      PublicationPart(self, places).ask(loop)
    }
    if open == 0, next == messages.count { completion(refused.isEmpty ? .applied : .refused(refused)) }
  }

  /// The places of the next messages that can be sent; nil behind the last.
  private func nextPart(limit: Int) -> [Int]? {
    var places: [Int] = []
    var bytes = 0
    while next < messages.count, places.count < Self.mostMessages, bytes < Self.mostBytes {
      defer { next += 1 }
      if let problem = EntryEncoder.problem(of: messages[next], limit: limit) {
        refused[next] = problem
        continue
      }
      bytes += messages[next].body.count
      places.append(next)
    }
    return places.isEmpty ? nil : places
  }

  func refuse(_ place: Int, _ error: BrokerError) { refused[place] = error }

  func partEnded(_ loop: RedisLoop) {
    open -= 1
    begin(on: loop)
  }

  /// The broker was closed before all was known.
  func abandon() {
    guard open > 0 else { return }
    open = 0
    completion(.ownershipLost)
  }

  func write(_ place: Int, to buffer: inout RequestBuffer, _ scripts: Scripts) {
    let message = messages[place]
    let target = OutputTarget(message, partition: -1)
    let count = EntryEncoder.argumentCount(message)
    if target.isDelayed, let deliverAt = message.deliverAt {
      buffer.begin(arguments: 8 + count)
      buffer.append("EVALSHA")
      buffer.append(scripts.delay.digest ?? "")
      buffer.append(3)
      for key in target.keys { buffer.append(key) }
      buffer.append(Int(milliseconds: deliverAt.timeIntervalSince1970 * 1000))
      buffer.append(message.id)
    } else {
      buffer.begin(arguments: 3 + count)
      buffer.append("XADD")
      buffer.append(target.keys[0])
      buffer.append("*")
    }
    EntryEncoder.write(message, to: &buffer)
  }
}

/// One part of a publication, asked until each of its messages has an answer.
private final class PublicationPart {
  private let publication: Publication
  private var places: [Int]
  /// How many of `places` have their answer, and those among them that the server could not take for now.
  private var answered = 0
  private var again: [Int] = []

  init(_ publication: Publication, _ places: [Int]) {
    self.publication = publication
    self.places = places
  }

  func ask(_ loop: RedisLoop) {
    loop.request(
      PendingRequest(
        write: { [self] buffer, scripts in
          places.removeFirst(answered)
          answered = 0
          for place in places { publication.write(place, to: &buffer, scripts) }
          return places.count
        },
        onReply: { [self] reply, loop in take(reply, loop) },
        onAbandon: { [publication] in publication.abandon() }))
  }

  private func take(_ reply: Reply, _ loop: RedisLoop) -> PendingRequest.Outcome {
    let place = places[answered]
    answered += 1
    if let text = reply.error {
      let error = BrokerError(redis: text, at: loop.url)
      // A right that is missing will not come while somebody waits for it.
      if text.hasPrefix("NOSCRIPT") || (error.isRetriable && error.code != .permission) {
        again.append(place)
      } else {
        publication.refuse(place, error)
      }
    }
    guard answered == places.count else { return .done }
    places = again
    answered = 0
    again = []
    guard places.isEmpty else { return .again }
    publication.partEnded(loop)
    return .done
  }
}
