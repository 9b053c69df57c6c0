import MartletCore

/// Something that happened to an event and belongs into the log.
struct PartitionNote: Sendable {
  enum Kind: Sendable { case retried, blocked, deadLettered, skipped, bisected, repeated }

  let kind: Kind
  let event: EventReference
  let text: String

  func log(_ logger: Logger) {
    let fields = [
      LogField("messageID", event.value.message.id), LogField("offset", event.offset),
      LogField("attempt", event.attempt),
    ]
    var logger = logger
    logger.fields += fields
    switch kind {
    case .repeated: logger.debug(text)
    case .retried, .bisected: logger.warning(text)
    case .blocked, .deadLettered, .skipped: logger.error(text)
    }
  }
}
