import MartletCore

/// The exchange and the streams of an event hub. All of it is immutable on a broker: a golden file holds it.
enum HubLayout {
  /// The exchange that stands for a hub. Nothing is published to it; its `alternate-exchange`, which names no exchange,
  /// holds the partition count where RabbitMQ compares it: of all that survives on the broker, only that can be read
  /// back over AMQP, out of the answer to a declaration that differs.
  static func exchange(of hub: String) -> String { hub + ".hub" }

  /// The stream of a partition: `readings:3`.
  static func stream(of partition: HubPartition) -> String { partition.description }

  static func marker(_ partitionCount: Int?) -> [Header] {
    [Header("alternate-exchange", .string(markerPrefix + (partitionCount.map(String.init) ?? "unknown")))]
  }

  private static let markerPrefix = "martlet.partitions."

  /// The count in the text of a refused declaration.
  static func partitionCount(in text: String) -> Int? {
    for part in text.split(separator: markerPrefix).dropFirst() {
      if let count = Int(part.prefix { $0.isNumber }) { return count }
    }
    return nil
  }

  /// A stream keeps whole segments: small limits need small segments.
  static func arguments(_ retention: HubRetention) -> [Header] {
    var arguments = [Header("x-queue-type", "stream")]
    if let age = retention.age {
      arguments.append(Header("x-max-age", .string("\(max(1, age.components.seconds))s")))
    }
    if let bytes = retention.bytes { arguments.append(Header("x-max-length-bytes", .int(Int64(bytes)))) }
    if retention.age != nil || retention.bytes != nil {
      let segment = min(max((retention.bytes ?? .max) / 4, 1 << 20), 50 << 20)
      arguments.append(Header("x-stream-max-segment-size-bytes", .int(Int64(segment))))
    }
    return arguments
  }
}
