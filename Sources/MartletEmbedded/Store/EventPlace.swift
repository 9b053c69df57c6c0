/// Where an event stands: its key in the table `event`. Partition and number in one integer, so that the events of a
/// partition lie beside each other on the disk, in their order.
struct EventPlace: Hashable {
  let rawValue: Int64

  init(partition: Int64, number: Int64) { rawValue = partition << Self.numberBits | number }

  /// A partition has 2⁴³ numbers: almost three years of 100 000 events a second. None is used twice.
  private static let numberBits: Int64 = 43
  /// The keys of partitions are below.
  static let partitionLimit: Int64 = 1 << (63 - numberBits)

  /// The number of the event in a row.
  static func number(in rawValue: Int64) -> Int64 { rawValue & (1 << numberBits - 1) }

  /// The last place that a partition can have.
  static func last(of partition: Int64) -> EventPlace {
    EventPlace(partition: partition, number: 1 << numberBits - 1)
  }
}
