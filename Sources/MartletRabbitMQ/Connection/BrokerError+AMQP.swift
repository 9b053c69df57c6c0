import CRabbitMQ
import MartletCore

extension BrokerError {
  /// What a `connection.close` says.
  static func connectionClosed(code: UInt16, text: String, url: ConnectionURL) -> BrokerError {
    let place = "RabbitMQ at \(url)"
    switch code {
    case 403:
      return BrokerError(
        .authentication, "\(place) refused the name or password of user '\(url.user)'", isRetriable: false)
    case 530 where text.contains("limit"):
      return BrokerError(.exhausted, "\(place) accepts no further connection: \(text)", isRetriable: true)
    case 530 where text.contains("not found"):
      return BrokerError(
        .notFound, "\(place) has no virtual host '\(url.virtualHost)'; create it or correct the URL",
        isRetriable: false)
    case 530:
      return BrokerError(
        .permission, "\(place) lets user '\(url.user)' not into virtual host '\(url.virtualHost)': \(text)",
        isRetriable: false)
    case 320:
      return BrokerError(.unavailable, "\(place) closed the connection: \(text)", isRetriable: true)
    case 541:
      return BrokerError(.unavailable, "\(place) has an internal error: \(text)", isRetriable: true)
    default:
      return BrokerError(.protocolViolation, "\(place) closed the connection: \(code) \(text)", isRetriable: true)
    }
  }

  /// What a `channel.close` says.
  static func channelClosed(code: UInt16, text: String) -> BrokerError {
    switch code {
    case 403: return BrokerError(.permission, "RabbitMQ refuses: \(text)", isRetriable: true)
    case 404: return BrokerError(.notFound, "RabbitMQ does not have it: \(text)", isRetriable: true)
    case 405: return BrokerError(.conflict, "RabbitMQ has it locked: \(text)", isRetriable: true)
    case 406 where text.contains("larger than"), 311:
      return BrokerError(.tooLarge, "RabbitMQ refuses the message: \(text)", isRetriable: false)
    case 406 where text.contains("timed out"):
      return BrokerError(
        .unavailable,
        "a delivery was not settled within RabbitMQ's consumer_timeout, so all of its channel come back: "
          + text, isRetriable: true)
    case 406: return conflict(text)
    case 506: return BrokerError(.exhausted, "RabbitMQ lacks resources: \(text)", isRetriable: true)
    default: return BrokerError(.protocolViolation, "RabbitMQ closed the channel: \(code) \(text)", isRetriable: true)
    }
  }

  /// `inequivalent arg 'x-queue-type' for queue 'q' in vhost '/': received 'quorum' but current is 'classic'`, in our
  /// words.
  private static func conflict(_ text: String) -> BrokerError {
    guard let match = text.firstMatch(of: inequivalent) else {
      return BrokerError(.conflict, "RabbitMQ refuses: \(text)", isRetriable: true)
    }
    let (_, argument, kind, name, asked, current) = match.output
    return BrokerError(
      .conflict,
      "\(kind) '\(name)' exists with other arguments: '\(argument)' is \(plain(current)) on the broker, Martlet asks "
        + "for \(plain(asked)); use another name, or delete the \(kind) when it is empty",
      isRetriable: true)
  }

  /// `the value '5' of type 'long'` is `'5'`.
  private static func plain(_ value: Substring) -> Substring {
    value.firstMatch(of: /the value (.*) of type '\w+'/)?.output.1 ?? value
  }

  private nonisolated(unsafe) static let inequivalent =  // a regex is immutable; it only lacks the conformance
    /inequivalent arg '([^']*)' for (\w+) '([^']*)' in vhost '[^']*': received (.*) but current is (.*)/

  /// The socket failed.
  static func socket(_ what: String, _ number: Int32, url: ConnectionURL) -> BrokerError {
    BrokerError(
      .unavailable, "RabbitMQ at \(url) cannot be reached: \(what): \(SystemError.text(number))", isRetriable: true)
  }

  /// The peer sent what AMQP 0-9-1 does not know.
  static func violation(_ what: String, url: ConnectionURL) -> BrokerError {
    BrokerError(
      .protocolViolation, "what answers at \(url) does not speak AMQP 0-9-1 as RabbitMQ does: \(what)",
      isRetriable: true)
  }

  static let closedBroker = BrokerError(.closed, "the broker was closed", isRetriable: false)
}
